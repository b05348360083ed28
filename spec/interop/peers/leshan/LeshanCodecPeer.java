// Leshan's encoders and decoders, line by line: `ID FROM TO PATH HEX` is answered by `ID = HEX` or `ID ! what is wrong`.
// FROM and TO are Content-Formats; `timed` before FROM takes values with timestamps.

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.util.HexFormat;
import org.eclipse.leshan.core.model.LwM2mModel;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.StaticModel;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.codec.DefaultLwM2mDecoder;
import org.eclipse.leshan.core.node.codec.DefaultLwM2mEncoder;
import org.eclipse.leshan.core.request.ContentFormat;

public final class LeshanCodecPeer {
  private static final DefaultLwM2mDecoder DECODER = new DefaultLwM2mDecoder();
  private static final DefaultLwM2mEncoder ENCODER = new DefaultLwM2mEncoder();

  public static void main(String[] args) throws Exception {
    LwM2mModel model;
    try (FileInputStream file = new FileInputStream(args[0])) {
      model = new StaticModel(ObjectLoader.loadDdfFile(file, args[0]));
    }
    System.out.println("ready");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ", -1);
      System.out.println(words[0] + " " + answer(words, model));
    }
  }

  private static String answer(String[] words, LwM2mModel model) {
    boolean timed = words[1].equals("timed");
    int at = timed ? 2 : 1;
    ContentFormat from = ContentFormat.fromCode(Integer.parseInt(words[at]));
    ContentFormat to = ContentFormat.fromCode(Integer.parseInt(words[at + 1]));
    LwM2mPath path = new LwM2mPath(words[at + 2]);
    try {
      byte[] bytes = HexFormat.of().parseHex(words[at + 3]);
      byte[] written = timed
          ? ENCODER.encodeTimestampedData(DECODER.decodeTimestampedData(bytes, from, null, path, model), to, null, path, model)
          : ENCODER.encode(DECODER.decode(bytes, from, null, path, model), to, null, path, model);
      return "= " + HexFormat.of().formatHex(written);
    } catch (Exception error) {
      return "! " + String.valueOf(error).replaceAll("\\s+", " ");
    }
  }
}
