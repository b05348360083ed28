// Scandium's DTLS by itself, for the suites that neither OpenSSL nor GnuTLS has: a server that sends back what it gets, or
// a client that sends the lines of its standard input and prints what comes back.
// Arguments: -r server|client -p PORT -s SUITE [-cid BYTES] (-i IDENTITY -k HEXKEY | -key PEM -chain PEM (-ca PEM | -trust PEM)).
// -ca: X.509, both ways. -trust: raw public keys, both ways; the peer's is that of the certificate in the file.

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Scanner;
import org.eclipse.californium.elements.AddressEndpointContext;
import org.eclipse.californium.elements.DtlsEndpointContext;
import org.eclipse.californium.elements.MessageCallback;
import org.eclipse.californium.elements.EndpointContext;
import org.eclipse.californium.elements.RawData;
import org.eclipse.californium.elements.auth.RawPublicKeyIdentity;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.util.SslContextUtil;
import org.eclipse.californium.scandium.DTLSConnector;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.CertificateType;
import org.eclipse.californium.scandium.dtls.cipher.CipherSuite;
import org.eclipse.californium.scandium.dtls.pskstore.SinglePskStore;
import org.eclipse.californium.scandium.dtls.x509.SingleCertificateProvider;
import org.eclipse.californium.scandium.dtls.x509.StaticCertificateVerifier;

public final class ScandiumPeer {
  public static void main(String[] args) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) options.put(args[i], args[i + 1]);
    boolean server = options.get("-r").equals("server");
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    InetSocketAddress serverAddress = new InetSocketAddress(loopback, Integer.parseInt(options.get("-p")));

    DtlsConfig.register();
    DtlsConnectorConfig.Builder builder = DtlsConnectorConfig.builder(new Configuration());
    builder.setAddress(server ? serverAddress : new InetSocketAddress(loopback, 0));
    builder.set(DtlsConfig.DTLS_ROLE, server ? DtlsConfig.DtlsRole.SERVER_ONLY : DtlsConfig.DtlsRole.CLIENT_ONLY);
    builder.set(DtlsConfig.DTLS_RECOMMENDED_CIPHER_SUITES_ONLY, false);
    builder.setAsList(DtlsConfig.DTLS_CIPHER_SUITES, CipherSuite.getTypeByName(options.get("-s")));
    // Without the option there are no connection ids at all; 0 bytes: the peer's are used, and it is given none.
    if (options.containsKey("-cid")) builder.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, Integer.parseInt(options.get("-cid")));
    credentials(builder, options);

    DTLSConnector connector = new DTLSConnector(builder.build());
    connector.setRawDataReceiver(message -> {
      EndpointContext context = message.getEndpointContext();
      System.out.println("cipher " + context.get(DtlsEndpointContext.KEY_CIPHER) + " of " + context.getPeerIdentity());
      System.out.println("ids " + context.get(DtlsEndpointContext.KEY_WRITE_CONNECTION_ID) + " " + context.get(DtlsEndpointContext.KEY_READ_CONNECTION_ID));
      System.out.println(new String(message.getBytes()).trim());
      if (server) connector.send(RawData.outbound(message.getBytes(), context, null, false));
    });
    connector.setAlertHandler((peer, alert) -> System.out.println("alert " + alert));
    connector.start();
    System.out.println("ready");

    Scanner lines = new Scanner(System.in);
    while (lines.hasNextLine()) {
      String text = lines.nextLine();
      if (text.equals("RESUME")) {
        connector.forceResumeAllSessions(); // the next line begins with an abbreviated handshake
        continue;
      }
      if (text.equals("CLOSE")) {
        connector.close(serverAddress); // with close_notify, which the end of the input is without
        continue;
      }
      byte[] line = (text + "\n").getBytes();
      connector.send(RawData.outbound(line, new AddressEndpointContext(serverAddress), new Failures(), false));
    }
    connector.destroy();
    System.exit(0);
  }

  private static void credentials(DtlsConnectorConfig.Builder builder, Map<String, String> options) throws Exception {
    if (options.containsKey("-i")) {
      byte[] key = HexFormat.of().parseHex(options.get("-k"));
      builder.setPskStore(new SinglePskStore(options.get("-i"), key));
      return;
    }
    boolean raw = options.containsKey("-trust");
    SslContextUtil.Credentials own = PemFiles.credentials(options.get("-key"), options.get("-chain"));
    CertificateType type = raw ? CertificateType.RAW_PUBLIC_KEY : CertificateType.X_509;
    builder.setCertificateIdentityProvider(
        raw
            ? new SingleCertificateProvider(own.getPrivateKey(), own.getCertificateChain()[0].getPublicKey())
            : new SingleCertificateProvider(own.getPrivateKey(), own.getCertificateChain(), type));
    StaticCertificateVerifier.Builder verifier = new StaticCertificateVerifier.Builder();
    if (raw) verifier.setTrustedRPKs(new RawPublicKeyIdentity(PemFiles.certificate(options.get("-trust")).getPublicKey()));
    else verifier.setTrustedCertificates(PemFiles.certificate(options.get("-ca")));
    builder.setCertificateVerifier(verifier.build());
  }

  /** Prints why a line was not sent. */
  private static final class Failures implements MessageCallback {
    @Override
    public void onError(Throwable error) {
      System.out.println("failed: " + error);
    }

    @Override
    public void onConnecting() {}

    @Override
    public void onDtlsRetransmission(int flight) {}

    @Override
    public void onContextEstablished(EndpointContext context) {}

    @Override
    public void onSent() {}
  }
}
