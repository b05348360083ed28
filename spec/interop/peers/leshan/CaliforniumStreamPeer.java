// Californium's CoAP over TCP and TLS: a server of a few resources, or a client that does what the lines of its standard input say.
// Arguments: -r server|client -p PORT [-key PEM -chain PEM -ca PEM], with which it is TLS, certificates both ways.
// Lines for a server: CHANGE. For a client: GET PATH, PUT PATH BYTES, FETCH PATH TEXT, OBSERVE PATH, CANCEL.
// Prints the blocks that it gets as `block1 NUMBER/MORE/SZX`, and what came of each line.

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Scanner;
import javax.net.ssl.SSLContext;
import org.eclipse.californium.core.CoapClient;
import org.eclipse.californium.core.CoapExchange;
import org.eclipse.californium.core.CoapHandler;
import org.eclipse.californium.core.CoapObserveRelation;
import org.eclipse.californium.core.CoapResource;
import org.eclipse.californium.core.CoapResponse;
import org.eclipse.californium.core.CoapServer;
import org.eclipse.californium.core.coap.CoAP;
import org.eclipse.californium.core.coap.Message;
import org.eclipse.californium.core.coap.OptionSet;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.californium.core.coap.option.BlockOption;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.core.network.interceptors.MessageInterceptor;
import org.eclipse.californium.elements.Connector;
import org.eclipse.californium.elements.config.CertificateAuthenticationMode;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.config.TcpConfig;
import org.eclipse.californium.elements.tcp.netty.TcpClientConnector;
import org.eclipse.californium.elements.tcp.netty.TcpServerConnector;
import org.eclipse.californium.elements.tcp.netty.TlsClientConnector;
import org.eclipse.californium.elements.tcp.netty.TlsServerConnector;

public final class CaliforniumStreamPeer {
  /** In blocks of 1,024 bytes: BERT messages of 4 KiB. */
  private static final int BULK_BLOCKS = 4;
  private static final int MAX_BODY_BYTES = 1_048_576;

  private final Configuration configuration;
  private final InetSocketAddress server;
  /** Null: no TLS. */
  private final SSLContext tls;

  public static void main(String[] args) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) options.put(args[i], args[i + 1]);
    CaliforniumStreamPeer peer = new CaliforniumStreamPeer(options);
    if (options.get("-r").equals("server")) peer.serve();
    else peer.ask();
    System.exit(0);
  }

  private CaliforniumStreamPeer(Map<String, String> options) throws Exception {
    CoapConfig.register();
    TcpConfig.register();
    configuration = new Configuration();
    configuration.set(CoapConfig.TCP_NUMBER_OF_BULK_BLOCKS, BULK_BLOCKS);
    configuration.set(CoapConfig.MAX_RESOURCE_BODY_SIZE, MAX_BODY_BYTES);
    configuration.set(TcpConfig.TLS_CLIENT_AUTHENTICATION_MODE, CertificateAuthenticationMode.NEEDED);
    configuration.set(TcpConfig.TLS_VERIFY_SERVER_CERTIFICATES_SUBJECT, false); // it does not find 127.0.0.1 among the names
    server = new InetSocketAddress(InetAddress.getByName("127.0.0.1"), Integer.parseInt(options.get("-p")));
    tls = PemFiles.tls(options);
  }

  private CoapEndpoint endpoint(Connector connector) {
    CoapEndpoint endpoint =
        CoapEndpoint.builder().setConfiguration(configuration).setConnector(new IntroducedConnector(connector)).build();
    endpoint.addInterceptor(new Blocks());
    return endpoint;
  }

  private void serve() {
    CoapServer coap = new CoapServer(configuration);
    coap.addEndpoint(endpoint(
        tls == null ? new TcpServerConnector(server, configuration) : new TlsServerConnector(tls, server, configuration)));
    Counter counter = new Counter();
    coap.add(new Store(), counter, new Echo());
    coap.start();
    System.out.println("ready");
    for (Scanner lines = new Scanner(System.in); lines.hasNextLine(); lines.nextLine()) counter.count();
    coap.destroy();
  }

  private void ask() throws Exception {
    CoapEndpoint endpoint = endpoint(tls == null ? new TcpClientConnector(configuration) : new TlsClientConnector(tls, configuration));
    endpoint.start();
    System.out.println("ready");
    CoapObserveRelation observing = null;
    for (Scanner lines = new Scanner(System.in); lines.hasNextLine(); ) {
      String[] words = lines.nextLine().split(" ");
      if (words[0].equals("CANCEL")) {
        observing.proactiveCancel();
        continue;
      }
      String uri = (tls == null ? "coap+tcp" : "coaps+tcp") + "://127.0.0.1:" + server.getPort() + words[1];
      CoapClient client = new CoapClient(uri).setEndpoint(endpoint).setTimeout(10_000L);
      switch (words[0]) {
        case "GET" -> print(client.get());
        case "PUT" -> print(client.put(new byte[Integer.parseInt(words[2])], 42));
        case "FETCH" -> print(client.advanced(Request.newFetch().setURI(uri).setPayload(words[2])));
        case "OBSERVE" -> observing = client.observeAndWait(new Notified());
        default -> System.out.println("unknown: " + words[0]);
      }
    }
    endpoint.destroy();
  }

  private static void print(CoapResponse response) {
    if (response == null) System.out.println("no response");
    else System.out.println(response.getCode() + " " + response.getPayloadSize() + " bytes " + text(response.getPayload()));
  }

  /** What of a body is short enough to be read. */
  private static String text(byte[] body) {
    return body == null || body.length > 64 ? "" : new String(body);
  }

  private static final class Notified implements CoapHandler {
    @Override
    public void onLoad(CoapResponse response) {
      System.out.println("notified " + text(response.getPayload()));
    }

    @Override
    public void onError() {
      System.out.println("observation failed");
    }
  }

  private static final class Blocks implements MessageInterceptor {
    @Override
    public void receiveRequest(Request request) {
      print(request);
    }

    @Override
    public void receiveResponse(Response response) {
      print(response);
    }

    private static void print(Message message) {
      OptionSet options = message.getOptions();
      if (options.hasBlock1()) print("block1", options.getBlock1());
      if (options.hasBlock2()) print("block2", options.getBlock2());
    }

    private static void print(String name, BlockOption block) {
      System.out.println(name + " " + block.getNum() + "/" + (block.isM() ? 1 : 0) + "/" + block.getSzx());
    }
  }

  /** Keeps what is PUT. */
  private static final class Store extends CoapResource {
    private byte[] stored = new byte[0];

    Store() {
      super("store");
    }

    @Override
    public void handleGET(CoapExchange exchange) {
      exchange.respond(CoAP.ResponseCode.CONTENT, stored);
    }

    @Override
    public void handlePUT(CoapExchange exchange) {
      byte[] body = exchange.getRequestPayload();
      stored = body == null ? new byte[0] : Arrays.copyOf(body, body.length);
      exchange.respond(CoAP.ResponseCode.CHANGED);
    }
  }

  /** Says what FETCH and iPATCH bring. */
  private static final class Echo extends CoapResource {
    Echo() {
      super("echo");
    }

    @Override
    public void handleFETCH(CoapExchange exchange) {
      exchange.respond(CoAP.ResponseCode.CONTENT, "FETCH " + exchange.getRequestText());
    }

    @Override
    public void handleIPATCH(CoapExchange exchange) {
      exchange.respond(CoAP.ResponseCode.CHANGED, "iPATCH " + exchange.getRequestText());
    }
  }

  private static final class Counter extends CoapResource {
    private int count;

    Counter() {
      super("counter");
      setObservable(true);
    }

    void count() {
      count++;
      changed();
      System.out.println("observers " + getObserverCount());
    }

    @Override
    public void handleGET(CoapExchange exchange) {
      exchange.respond(String.valueOf(count));
    }
  }
}
