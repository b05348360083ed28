// java-coap's CoAP over TCP and TLS, upon which Leshan's own TCP stands: a server of a few resources, or a client that does what
// the lines of its standard input say. Arguments, lines and output are those of CaliforniumStreamPeer.

import com.mbed.coap.client.CoapClient;
import com.mbed.coap.packet.BlockOption;
import com.mbed.coap.packet.BlockSize;
import com.mbed.coap.packet.Code;
import com.mbed.coap.packet.CoapPacket;
import com.mbed.coap.packet.CoapRequest;
import com.mbed.coap.packet.CoapResponse;
import com.mbed.coap.packet.Opaque;
import com.mbed.coap.packet.SeparateResponse;
import com.mbed.coap.server.CoapServer;
import com.mbed.coap.server.CoapServerBuilderForTcp;
import com.mbed.coap.server.RouterService;
import com.mbed.coap.server.TcpCoapServer;
import com.mbed.coap.server.observe.HashMapObservationsStore;
import com.mbed.coap.server.observe.NotificationsReceiver;
import com.mbed.coap.server.observe.ObserversManager;
import com.mbed.coap.transport.javassl.SocketClientTransport;
import com.mbed.coap.utils.Service;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HashMap;
import java.util.Map;
import java.util.Scanner;
import java.util.concurrent.CompletableFuture;
import javax.net.ServerSocketFactory;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;

public final class JavaCoapStreamPeer {
  private static final int MAX_MESSAGE_BYTES = 8_192;
  private static final int MAX_BODY_BYTES = 1_048_576;
  /** Of the one observation: java-coap deregisters by the token that it is told. */
  private static final long TOKEN = 0x1234;

  private final InetSocketAddress address;
  /** Null: no TLS. */
  private final SSLContext tls;

  public static void main(String[] args) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) options.put(args[i], args[i + 1]);
    JavaCoapStreamPeer peer = new JavaCoapStreamPeer(options);
    if (options.get("-r").equals("server")) peer.serve();
    else peer.ask();
    System.exit(0);
  }

  private JavaCoapStreamPeer(Map<String, String> options) throws Exception {
    address = new InetSocketAddress(InetAddress.getByName("127.0.0.1"), Integer.parseInt(options.get("-p")));
    tls = PemFiles.tls(options);
  }

  private static CoapServerBuilderForTcp coap(InetSocketAddress peer, SocketFactory sockets) {
    return TcpCoapServer.builder()
        .transport(new Told(peer, sockets))
        .blockSize(BlockSize.S_1024_BERT)
        .maxMessageSize(MAX_MESSAGE_BYTES)
        .maxIncomingBlockTransferSize(MAX_BODY_BYTES);
  }

  /** One connection, for java-coap has a transport for no more. */
  private void serve() throws Exception {
    ServerSocketFactory sockets = tls == null ? ServerSocketFactory.getDefault() : tls.getServerSocketFactory();
    try (ServerSocket listener = sockets.createServerSocket(address.getPort(), 1, address.getAddress())) {
      if (listener instanceof SSLServerSocket secured) secured.setNeedClientAuth(true);
      System.out.println("ready");
      Socket client = listener.accept();
      Resources resources = new Resources();
      CoapServer server = coap((InetSocketAddress) client.getRemoteSocketAddress(), new Accepted(client)).route(resources.routes()).build();
      resources.observers.init(server);
      server.start();
      for (Scanner lines = new Scanner(System.in); lines.hasNextLine(); lines.nextLine()) resources.count();
    }
  }

  private void ask() throws Exception {
    SocketFactory sockets = tls == null ? SocketFactory.getDefault() : tls.getSocketFactory();
    CoapServer server =
        coap(address, sockets).notificationsReceiver(new Notified()).observationsStore(new HashMapObservationsStore()).build().start();
    CoapClient client = CoapClient.create(address, server);
    System.out.println("ready");
    for (Scanner lines = new Scanner(System.in); lines.hasNextLine(); ) {
      String[] words = lines.nextLine().split(" ");
      try {
        CoapResponse response = client.sendSync(request(words));
        if (words[0].equals("OBSERVE")) System.out.println("notified " + response.getPayloadString());
        else print(response);
      } catch (Exception failed) {
        System.out.println("failed: " + failed);
      }
    }
    server.stop();
  }

  private static CoapRequest.Builder request(String[] words) {
    return switch (words[0]) {
      case "GET" -> CoapRequest.get(words[1]);
      case "PUT" -> CoapRequest.put(words[1]).payload(new Opaque(new byte[Integer.parseInt(words[2])]), (short) 42);
      case "FETCH" -> CoapRequest.fetch(words[1]).payload(words[2], (short) 0);
      case "OBSERVE" -> CoapRequest.observe(words[1]).token(TOKEN);
      case "CANCEL" -> CoapRequest.get("/counter").deregisterObserve().token(TOKEN);
      default -> throw new IllegalArgumentException(words[0]);
    };
  }

  private static void print(CoapResponse response) {
    Opaque body = response.getPayload();
    String code = (response.getCode().getCoapCode() >> 5) + "." + String.format("%02d", response.getCode().getCoapCode() & 31);
    System.out.println(code + " " + body.size() + " bytes " + (body.size() > 64 ? "" : body.toUtf8String()));
  }

  private static final class Notified implements NotificationsReceiver {
    @Override
    public boolean onObservation(String path, SeparateResponse notification) {
      System.out.println("notified " + notification.getPayload().toUtf8String());
      return true;
    }
  }

  /** `/store` (GET, PUT), `/counter` to observe, `/echo` (FETCH, iPATCH). */
  private static final class Resources {
    final ObserversManager observers = new ObserversManager();
    private Opaque stored = Opaque.EMPTY;
    private int count;

    Service<CoapRequest, CoapResponse> routes() {
      return RouterService.builder()
          .get("/store", (request) -> CompletableFuture.completedFuture(CoapResponse.of(Code.C205_CONTENT, stored)))
          .put("/store", (request) -> {
            stored = request.getPayload();
            return CompletableFuture.completedFuture(CoapResponse.of(Code.C204_CHANGED));
          })
          .get("/counter", observers.then(this::counter))
          .fetch("/echo", (request) -> said("FETCH " + request.getPayload().toUtf8String()))
          .iPatch("/echo", (request) -> said("iPATCH " + request.getPayload().toUtf8String()))
          .build();
    }

    void count() {
      count++;
      observers.sendObservation("/counter", this::counter);
      System.out.println("observers " + observers.size());
    }

    private CompletableFuture<CoapResponse> counter(CoapRequest request) {
      return said(String.valueOf(count));
    }

    private static CompletableFuture<CoapResponse> said(String text) {
      return CompletableFuture.completedFuture(CoapResponse.of(Code.C205_CONTENT, text));
    }
  }

  /** Says which signals and blocks come in. */
  private static final class Told extends SocketClientTransport {
    Told(InetSocketAddress peer, SocketFactory sockets) {
      super(peer, sockets, false);
    }

    @Override
    public CompletableFuture<CoapPacket> receive() {
      return super.receive().thenApply((packet) -> {
        Code code = packet.getCode();
        if (code != null && code.getCoapCode() >> 5 == 7) System.out.println("signal " + code.getCoapCode());
        print("block1", packet.headers().getBlock1Req());
        print("block2", packet.headers().getBlock2Res());
        return packet;
      });
    }

    private static void print(String name, BlockOption block) {
      if (block == null) return;
      System.out.println(name + " " + block.getNr() + "/" + (block.hasMore() ? 1 : 0) + "/" + block.getBlockSize().toRawSzx());
    }
  }

  /** Gives the connection that is there already. */
  private static final class Accepted extends SocketFactory {
    private final Socket socket;

    Accepted(Socket socket) {
      this.socket = socket;
    }

    @Override
    public Socket createSocket(String host, int port) {
      return socket;
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress local, int localPort) {
      return socket;
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
      return socket;
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) throws IOException {
      return socket;
    }
  }
}
