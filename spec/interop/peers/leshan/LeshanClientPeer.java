// Leshan's LwM2M client with objects 0, 1 and 3: proves the server peer by itself, before our device is measured against it.
// Arguments: -n ENDPOINT -u coap[s]://HOST:PORT [-i IDENTITY -p HEXKEY]. Standard input's end de-registers and leaves.

import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.object.Device;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.core.LwM2mId;
import org.eclipse.leshan.transport.californium.client.endpoint.CaliforniumClientEndpointsProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coap.CoapClientProtocolProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coaps.CoapsClientProtocolProvider;

public final class LeshanClientPeer {
  private static final int SHORT_SERVER_ID = 123;
  private static final long LIFETIME_SECONDS = 300;

  public static void main(String[] args) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) options.put(args[i], args[i + 1]);
    String uri = options.get("-u");
    Security security = options.containsKey("-i")
        ? Security.psk(uri, SHORT_SERVER_ID, options.get("-i").getBytes(), HexFormat.of().parseHex(options.get("-p")))
        : Security.noSec(uri, SHORT_SERVER_ID);

    ObjectsInitializer objects = new ObjectsInitializer();
    objects.setInstancesForObject(LwM2mId.SECURITY, security);
    objects.setInstancesForObject(LwM2mId.SERVER, new Server(SHORT_SERVER_ID, LIFETIME_SECONDS));
    objects.setInstancesForObject(LwM2mId.DEVICE, new Device("Leshan", "interop", "1"));

    var endpoints = new CaliforniumClientEndpointsProvider.Builder(new CoapClientProtocolProvider(), new CoapsClientProtocolProvider());
    LeshanClientBuilder builder = new LeshanClientBuilder(options.get("-n"));
    builder.setObjects(objects.createAll());
    builder.setEndpointsProviders(endpoints.build());
    LeshanClient client = builder.build();
    client.start();
    System.out.println("started");
    while (System.in.read() >= 0) continue;
    client.destroy(true);
    System.exit(0);
  }
}
