// Keys and certificates of PEM files, for the peers.

import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import org.eclipse.californium.elements.util.SslContextUtil;

final class PemFiles {
  private PemFiles() {}

  static SslContextUtil.Credentials credentials(String key, String chain) throws Exception {
    String text = Files.readString(Path.of(key)) + Files.readString(Path.of(chain));
    return SslContextUtil.loadPemCredentials(new ByteArrayInputStream(text.getBytes()));
  }

  static Certificate certificate(String path) throws Exception {
    return CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(Files.readAllBytes(Path.of(path))));
  }
}
