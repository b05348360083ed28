// Keys and certificates of PEM files, for the peers.

import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Map;
import javax.net.ssl.SSLContext;
import org.eclipse.californium.elements.util.SslContextUtil;

final class PemFiles {
  private PemFiles() {}

  static SslContextUtil.Credentials credentials(String key, String chain) throws Exception {
    String text = Files.readString(Path.of(key)) + Files.readString(Path.of(chain));
    return SslContextUtil.loadPemCredentials(new ByteArrayInputStream(text.getBytes()));
  }

  /** TLS with certificates both ways, of `-key`, `-chain` and `-ca`; null without `-ca`. */
  static SSLContext tls(Map<String, String> options) throws Exception {
    if (!options.containsKey("-ca")) return null;
    SslContextUtil.Credentials own = credentials(options.get("-key"), options.get("-chain"));
    Certificate[] trusted = {certificate(options.get("-ca"))};
    return SslContextUtil.createSSLContext("peer", own.getPrivateKey(), own.getCertificateChain(), trusted);
  }

  static Certificate certificate(String path) throws Exception {
    return CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(Files.readAllBytes(Path.of(path))));
  }
}
