// Leshan's LwM2M server behind the part of its demo's REST interface that the specs use. Loopback only.
// Arguments: -lp COAP_PORT -slp COAPS_PORT -tp COAP_TCP_PORT -wp HTTP_PORT -m MODELS_DIR, and for certificates and raw public
// keys -cert CHAIN_PEM -key PKCS8_PEM -trust CA_PEM, with which TLS is there too: -tsp COAPS_TCP_PORT. Prints `ready` once all
// listen.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import javax.net.ssl.SSLContext;
import org.eclipse.californium.elements.config.CertificateAuthenticationMode;
import org.eclipse.californium.elements.config.TcpConfig;
import org.eclipse.californium.elements.util.SslContextUtil;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.config.DtlsConfig.DtlsRole;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.link.lwm2m.attributes.DefaultLwM2mAttributeParser;
import org.eclipse.leshan.core.link.lwm2m.attributes.LwM2mAttributeSet;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.request.CancelObservationRequest;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.CreateRequest;
import org.eclipse.leshan.core.request.DeleteRequest;
import org.eclipse.leshan.core.request.DiscoverRequest;
import org.eclipse.leshan.core.request.DownlinkDeviceManagementRequest;
import org.eclipse.leshan.core.request.ExecuteRequest;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.request.WriteAttributesRequest;
import org.eclipse.leshan.core.request.WriteRequest;
import org.eclipse.leshan.core.response.DiscoverResponse;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ReadCompositeResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.LeshanServerBuilder;
import org.eclipse.leshan.server.model.VersionedModelProvider;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.servers.security.InMemorySecurityStore;
import org.eclipse.leshan.servers.security.NonUniqueSecurityInfoException;
import org.eclipse.leshan.servers.security.SecurityInfo;
import org.eclipse.leshan.transport.californium.server.endpoint.CaliforniumServerEndpointsProvider;
import org.eclipse.leshan.transport.californium.server.endpoint.coaps.CoapsServerProtocolProvider;

public final class LeshanServerPeer {
  private static final int CONNECTION_ID_BYTES = 6; // as Leshan's demo has it
  private static final long DEFAULT_TIMEOUT_MS = 5_000;

  private final InMemorySecurityStore securityStore = new InMemorySecurityStore();
  private final LeshanServer server;
  private final EventStream events;
  /** Ours, leaf first; empty without -cert. */
  private final X509Certificate[] chain;

  public static void main(String[] args) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) options.put(args[i], args[i + 1]);
    new LeshanServerPeer(options).listen(Integer.parseInt(options.get("-wp")));
    System.out.println("ready");
  }

  private LeshanServerPeer(Map<String, String> options) throws IOException, GeneralSecurityException {
    List<ObjectModel> models = ObjectLoader.loadAllDefault();
    if (options.containsKey("-m")) models.addAll(ObjectLoader.loadObjectsFromDir(new File(options.get("-m")), true));
    LeshanServerBuilder builder = new LeshanServerBuilder();
    builder.setObjectModelProvider(new VersionedModelProvider(models));
    builder.setSecurityStore(securityStore);
    chain = options.containsKey("-cert") ? certificates(options.get("-cert")) : new X509Certificate[0];
    if (chain.length > 0) {
      builder.setCertificateChain(chain);
      builder.setPrivateKey(privateKey(options.get("-key")));
      builder.setTrustedCertificates(certificates(options.get("-trust")));
    }
    var endpoints = new CaliforniumServerEndpointsProvider.Builder(StreamEndpointFactory.protocolProvider(), new CoapsServerProtocolProvider());
    endpoints.setConfiguration((configuration) -> {
      configuration.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, CONNECTION_ID_BYTES);
      // Else Scandium wants a certificate for clients too, and without one it listens nowhere and says so nowhere.
      configuration.set(DtlsConfig.DTLS_ROLE, DtlsRole.SERVER_ONLY);
      configuration.set(TcpConfig.TLS_CLIENT_AUTHENTICATION_MODE, CertificateAuthenticationMode.NEEDED);
    });
    endpoints.addEndpoint(loopback(options.get("-lp")), Protocol.COAP);
    endpoints.addEndpoint(loopback(options.get("-slp")), Protocol.COAPS);
    endpoints.addEndpoint(StreamEndpointFactory.tcp(loopback(options.get("-tp"))));
    if (chain.length > 0) endpoints.addEndpoint(StreamEndpointFactory.tls(loopback(options.get("-tsp")), tlsContext(options)));
    builder.setEndpointsProviders(endpoints.build());
    server = builder.build();
    events = new EventStream(server);
  }

  private static X509Certificate[] certificates(String file) throws IOException, GeneralSecurityException {
    try (FileInputStream pem = new FileInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificates(pem).toArray(new X509Certificate[0]);
    }
  }

  private static PrivateKey privateKey(String file) throws IOException, GeneralSecurityException {
    String body = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----", "");
    return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(body)));
  }

  private SSLContext tlsContext(Map<String, String> options) throws IOException, GeneralSecurityException {
    return SslContextUtil.createSSLContext("server", privateKey(options.get("-key")), chain, certificates(options.get("-trust")));
  }

  private static InetSocketAddress loopback(String port) {
    return new InetSocketAddress("127.0.0.1", Integer.parseInt(port));
  }

  private void listen(int port) throws IOException {
    server.start();
    HttpServer http = HttpServer.create(loopback(String.valueOf(port)), 0);
    http.setExecutor(Executors.newCachedThreadPool());
    http.createContext("/api/event", (exchange) -> events.listen(exchange, query(exchange).getOrDefault("ep", "")));
    http.createContext("/api/server/security", (exchange) -> answer(exchange, this::ownSecurity));
    http.createContext("/api/security/clients", (exchange) -> answer(exchange, this::addSecurity));
    http.createContext("/api/clients", (exchange) -> answer(exchange, this::clients));
    http.start();
  }

  private interface Call {
    Answer of(HttpExchange exchange) throws Exception;
  }

  private record Answer(int status, String body) {
    static Answer json(JsonNode body) {
      return new Answer(200, body.toString());
    }
  }

  private static void answer(HttpExchange exchange, Call call) throws IOException {
    Answer answer;
    try {
      answer = call.of(exchange);
    } catch (Exception failed) {
      answer = new Answer(failed instanceof RuntimeException ? 400 : 500, failed.toString());
    }
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", answer.status() == 200 ? "application/json" : "text/plain");
    exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  /** What devices need to know us: as Leshan's demo tells it, less the parameters of the key. */
  private Answer ownSecurity(HttpExchange exchange) throws GeneralSecurityException {
    if (chain.length == 0) return new Answer(400, "no -cert was given");
    ObjectNode body = NodeJson.object();
    body.putObject("certificate").put("b64Der", Base64.getEncoder().encodeToString(chain[0].getEncoded()));
    body.putObject("pubkey").put("b64Der", Base64.getEncoder().encodeToString(chain[0].getPublicKey().getEncoded()));
    return Answer.json(body);
  }

  private Answer addSecurity(HttpExchange exchange) throws IOException, GeneralSecurityException, NonUniqueSecurityInfoException {
    JsonNode body = NodeJson.MAPPER.readTree(exchange.getRequestBody());
    securityStore.add(securityInfo(body.path("endpoint").asText(), body.at("/tls/mode").asText(), body.at("/tls/details")));
    return new Answer(200, "");
  }

  private static SecurityInfo securityInfo(String endpoint, String mode, JsonNode details) throws GeneralSecurityException {
    if (mode.equals("x509")) return SecurityInfo.newX509CertInfo(endpoint);
    byte[] key = HexFormat.of().parseHex(details.path("key").asText());
    if (mode.equals("psk")) return SecurityInfo.newPreSharedKeyInfo(endpoint, details.path("identity").asText(), key);
    var spki = KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(key));
    return SecurityInfo.newRawPublicKeyInfo(endpoint, spki);
  }

  private Answer clients(HttpExchange exchange) throws Exception {
    String[] segments = exchange.getRequestURI().getPath().replaceFirst("^/api/clients/?", "").split("/", 2);
    if (segments[0].isEmpty()) return Answer.json(registrations());
    Registration registration = server.getRegistrationService().getByEndpoint(segments[0]);
    if (registration == null) return new Answer(400, "no registered client with id '" + segments[0] + "'");
    if (segments.length == 1) return Answer.json(NodeJson.registration(registration));
    String target = "/" + segments[1];
    Map<String, String> query = query(exchange);
    if (target.equals("/composite") || target.equals("/composite/observe")) return composite(exchange, registration, target, query);
    if (exchange.getRequestMethod().equals("DELETE") && target.endsWith("/observe")) return cancel(registration, target, query);
    return answer(registration, request(exchange, target, query), query);
  }

  private Answer composite(HttpExchange exchange, Registration registration, String target, Map<String, String> query) throws Exception {
    var observations = server.getObservationService().getObservations(registration);
    JsonNode body = NodeJson.MAPPER.readTree(exchange.getRequestBody());
    return answer(registration, Composites.request(exchange.getRequestMethod(), target, query, body, observations), query);
  }

  private Answer answer(Registration registration, DownlinkDeviceManagementRequest<? extends LwM2mResponse> request, Map<String, String> query)
      throws InterruptedException {
    long timeout = query.containsKey("timeout") ? Long.parseLong(query.get("timeout")) * 1_000 : DEFAULT_TIMEOUT_MS;
    LwM2mResponse response = server.send(registration, request, timeout);
    return response == null ? new Answer(504, "") : Answer.json(response(response));
  }

  private JsonNode registrations() {
    var all = NodeJson.MAPPER.createArrayNode();
    server.getRegistrationService().getAllRegistrations().forEachRemaining((each) -> all.add(NodeJson.registration(each)));
    return all;
  }

  private static DownlinkDeviceManagementRequest<? extends LwM2mResponse> request(HttpExchange exchange, String target, Map<String, String> query)
      throws Exception {
    ContentFormat format = query.containsKey("format") ? ContentFormat.fromName(query.get("format").toUpperCase()) : null;
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    switch (exchange.getRequestMethod()) {
      case "GET":
        return target.endsWith("/discover") ? new DiscoverRequest(without(target, "/discover")) : new ReadRequest(format, target);
      case "PUT":
        if (target.endsWith("/attributes")) return new WriteAttributesRequest(without(target, "/attributes"), attributes(exchange));
        var mode = "false".equals(query.get("replace")) ? WriteRequest.Mode.UPDATE : WriteRequest.Mode.REPLACE;
        return new WriteRequest(mode, format, target, NodeJson.parse(NodeJson.MAPPER.readTree(body)));
      case "POST":
        if (target.endsWith("/observe")) return new ObserveRequest(format, without(target, "/observe"));
        if (new LwM2mPath(target).isResource()) return body.isEmpty() ? new ExecuteRequest(target) : new ExecuteRequest(target, body);
        var instance = (LwM2mObjectInstance) NodeJson.parse(NodeJson.MAPPER.readTree(body));
        return new CreateRequest(format, target, instance);
      case "DELETE":
        return new DeleteRequest(target);
      default:
        throw new IllegalArgumentException("method: " + exchange.getRequestMethod());
    }
  }

  /** Passive: Leshan forgets it and answers the next notification with Reset. `?active`: GET with Observe 1. */
  private Answer cancel(Registration registration, String target, Map<String, String> query) throws InterruptedException {
    LwM2mPath path = new LwM2mPath(without(target, "/observe"));
    if (!query.containsKey("active")) {
      int cancelled = server.getObservationService().cancelObservations(registration, path.toString());
      return Answer.json(NodeJson.object().put("success", cancelled > 0).put("cancelled", cancelled));
    }
    Set<Observation> observations = server.getObservationService().getObservations(registration);
    for (Observation each : observations) {
      if (each instanceof SingleObservation single && single.getPath().equals(path)) {
        LwM2mResponse response = server.send(registration, new CancelObservationRequest(single), DEFAULT_TIMEOUT_MS);
        return response == null ? new Answer(504, "") : Answer.json(response(response));
      }
    }
    return new Answer(400, "no observation of " + path);
  }

  private static ObjectNode response(LwM2mResponse response) {
    ObjectNode json = NodeJson.object()
        .put("status", response.getCode().getName() + "(" + response.getCode().getCode() + ")")
        .put("valid", response.isValid())
        .put("success", response.isSuccess())
        .put("failure", response.isFailure());
    if (response.getErrorMessage() != null) json.put("errormessage", response.getErrorMessage());
    if (response instanceof ReadResponse read && read.getContent() != null) json.set("content", NodeJson.node(read.getContent()));
    if (response instanceof ReadCompositeResponse read && read.getContent() != null) json.set("content", NodeJson.byPath(read.getContent()));
    if (response instanceof DiscoverResponse discover && discover.getObjectLinks() != null) json.set("objectLinks", NodeJson.links(discover.getObjectLinks()));
    return json;
  }

  private static LwM2mAttributeSet attributes(HttpExchange exchange) throws Exception {
    return new LwM2mAttributeSet(new DefaultLwM2mAttributeParser().parseUriQuery(exchange.getRequestURI().getRawQuery()));
  }

  private static String without(String target, String ending) {
    return target.substring(0, target.length() - ending.length());
  }

  private static Map<String, String> query(HttpExchange exchange) {
    Map<String, String> query = new HashMap<>();
    String raw = exchange.getRequestURI().getRawQuery();
    if (raw == null) return query;
    Arrays.stream(raw.split("&")).map((pair) -> pair.split("=", 2)).forEach((pair) ->
        query.put(pair[0], pair.length == 1 ? "" : URLDecoder.decode(pair[1], StandardCharsets.UTF_8)));
    return query;
  }
}
