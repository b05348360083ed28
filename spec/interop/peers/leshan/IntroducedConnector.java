// Californium's TCP and TLS as RFC 8323 has them: it frames messages so, but knows no signals. Here each connection begins
// with a CSM (ours before a client's first message, or in answer to a client's), pings are answered, and no signal goes further.

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.californium.elements.Connector;
import org.eclipse.californium.elements.EndpointContext;
import org.eclipse.californium.elements.EndpointContextMatcher;
import org.eclipse.californium.elements.MessageCallback;
import org.eclipse.californium.elements.RawData;
import org.eclipse.californium.elements.RawDataChannel;

final class IntroducedConnector implements Connector {
  private static final int CSM = 0xe1;
  private static final int PING = 0xe2;
  private static final int PONG = 0xe3;
  private static final int MAX_MESSAGE_SIZE = 8_192;
  /** Max-Message-Size and Block-Wise-Transfer (RFC 8323 §5.3). */
  private static final byte[] OUR_CSM = {0x40, (byte) CSM, 0x22, MAX_MESSAGE_SIZE >> 8, MAX_MESSAGE_SIZE & 0xff, 0x20};

  private final Connector lower;
  private final Set<InetSocketAddress> introducedTo = ConcurrentHashMap.newKeySet();
  private volatile RawDataChannel receiver;

  IntroducedConnector(Connector lower) {
    this.lower = lower;
    lower.setRawDataReceiver(this::receive);
  }

  @Override
  public void send(RawData message) {
    if (!introducedTo.add(message.getInetSocketAddress())) {
      lower.send(message);
      return;
    }
    byte[] both = Arrays.copyOf(OUR_CSM, OUR_CSM.length + message.getSize());
    System.arraycopy(message.getBytes(), 0, both, OUR_CSM.length, message.getSize());
    lower.send(RawData.outbound(both, message.getEndpointContext(), new Forwarded(message), false));
  }

  private void receive(RawData message) {
    byte[] bytes = message.getBytes();
    int code = bytes[codeAt(bytes)] & 0xff;
    if (code >> 5 != 7) {
      receiver.receiveData(message);
      return;
    }
    System.out.println("signal " + code);
    if (code == CSM && introducedTo.add(message.getInetSocketAddress())) say(OUR_CSM, message.getEndpointContext());
    if (code == PING) say(pong(bytes), message.getEndpointContext());
  }

  private void say(byte[] bytes, EndpointContext peer) {
    lower.send(RawData.outbound(bytes, peer, null, false));
  }

  private static byte[] pong(byte[] ping) {
    int tokenAt = codeAt(ping) + 1;
    int tokenLength = ping[0] & 0x0f;
    byte[] pong = new byte[2 + tokenLength];
    pong[0] = (byte) tokenLength;
    pong[1] = (byte) PONG;
    System.arraycopy(ping, tokenAt, pong, 2, tokenLength);
    return pong;
  }

  private static int codeAt(byte[] message) {
    int nibble = (message[0] & 0xff) >> 4;
    return nibble < 13 ? 1 : 1 + (1 << (nibble - 13));
  }

  @Override
  public void setRawDataReceiver(RawDataChannel channel) {
    receiver = channel;
  }

  @Override
  public void start() throws IOException {
    lower.start();
  }

  @Override
  public void stop() {
    lower.stop();
  }

  @Override
  public void destroy() {
    lower.destroy();
  }

  @Override
  public void setEndpointContextMatcher(EndpointContextMatcher matcher) {
    lower.setEndpointContextMatcher(matcher);
  }

  @Override
  public InetSocketAddress getAddress() {
    return lower.getAddress();
  }

  @Override
  public String getProtocol() {
    return lower.getProtocol();
  }

  @Override
  public boolean isRunning() {
    return lower.isRunning();
  }

  @Override
  public void processDatagram(DatagramPacket datagram) {
    lower.processDatagram(datagram);
  }

  /** What is said of the two together is said of the message. */
  private record Forwarded(RawData message) implements MessageCallback {
    @Override
    public void onConnecting() {
      message.onConnecting();
    }

    @Override
    public void onDtlsRetransmission(int flight) {}

    @Override
    public void onContextEstablished(EndpointContext context) {
      message.onContextEstablished(context);
    }

    @Override
    public void onSent() {
      message.onSent();
    }

    @Override
    public void onError(Throwable error) {
      message.onError(error);
    }
  }
}
