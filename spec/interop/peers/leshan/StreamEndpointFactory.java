// Leshan over CoAP on TCP and TLS, which its published artifacts leave out: an endpoint of its Californium transport upon
// Californium's TCP connector. TLS is the JDK's, so with certificates only: it has no pre-shared keys and no raw public keys.

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.core.network.serialization.TcpDataParser;
import org.eclipse.californium.core.network.serialization.TcpDataSerializer;
import org.eclipse.californium.elements.Connector;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.config.Configuration.ModuleDefinitionsProvider;
import org.eclipse.californium.elements.config.TcpConfig;
import org.eclipse.californium.elements.tcp.netty.TcpServerConnector;
import org.eclipse.californium.elements.tcp.netty.TlsServerConnector;
import org.eclipse.leshan.core.endpoint.DefaultEndPointUriHandler;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.endpoint.EffectiveEndpointUriProvider;
import org.eclipse.leshan.server.observation.LwM2mNotificationReceiver;
import org.eclipse.leshan.transport.californium.identity.DefaultCoapsIdentityHandler;
import org.eclipse.leshan.transport.californium.identity.IdentityHandler;
import org.eclipse.leshan.transport.californium.server.endpoint.coap.CoapServerEndpointFactory;
import org.eclipse.leshan.transport.californium.server.endpoint.coap.CoapServerProtocolProvider;
import org.eclipse.leshan.transport.californium.server.observation.LwM2mObservationStore;
import org.eclipse.leshan.transport.californium.server.observation.ObservationSerDes;

final class StreamEndpointFactory extends CoapServerEndpointFactory {
  private final Protocol protocol;
  /** Null: no TLS. */
  private final SSLContext tls;

  static StreamEndpointFactory tcp(InetSocketAddress address) {
    return new StreamEndpointFactory(address, Protocol.COAP_TCP, null);
  }

  static StreamEndpointFactory tls(InetSocketAddress address, SSLContext context) {
    return new StreamEndpointFactory(address, Protocol.COAPS_TCP, context);
  }

  /** The protocol of datagrams, with what the configuration of streams needs beside it. */
  static CoapServerProtocolProvider protocolProvider() {
    return new CoapServerProtocolProvider() {
      @Override
      public List<ModuleDefinitionsProvider> getModuleDefinitionsProviders() {
        List<ModuleDefinitionsProvider> modules = new ArrayList<>(super.getModuleDefinitionsProviders());
        modules.add(TcpConfig.DEFINITIONS);
        return modules;
      }
    };
  }

  private StreamEndpointFactory(InetSocketAddress address, Protocol protocol, SSLContext tls) {
    super(new DefaultEndPointUriHandler().createUri(protocol.getUriScheme(), address));
    this.protocol = protocol;
    this.tls = tls;
  }

  @Override
  public Protocol getProtocol() {
    return protocol;
  }

  @Override
  protected Connector createConnector(InetSocketAddress address, Configuration configuration) {
    return new IntroducedConnector(
        tls == null ? new TcpServerConnector(address, configuration) : new TlsServerConnector(tls, address, configuration));
  }

  @Override
  protected CoapEndpoint.Builder createEndpointBuilder(
      InetSocketAddress address,
      Configuration configuration,
      LwM2mNotificationReceiver notifications,
      LeshanServer server,
      EffectiveEndpointUriProvider uri) {
    var serialized = new ObservationSerDes(new TcpDataParser(), new TcpDataSerializer());
    return super.createEndpointBuilder(address, configuration, notifications, server, uri)
        .setObservationStore(new LwM2mObservationStore(uri, server.getRegistrationStore(), notifications, serialized));
  }

  @Override
  public IdentityHandler createIdentityHandler() {
    return tls == null ? super.createIdentityHandler() : new DefaultCoapsIdentityHandler();
  }
}
