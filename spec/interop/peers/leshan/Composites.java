// The composite operations behind the demo's REST interface: .../composite?paths=/1/0,/3/0&pathformat=&nodeformat=

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.request.CancelCompositeObservationRequest;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.DownlinkDeviceManagementRequest;
import org.eclipse.leshan.core.request.ObserveCompositeRequest;
import org.eclipse.leshan.core.request.ReadCompositeRequest;
import org.eclipse.leshan.core.request.WriteCompositeRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;

final class Composites {
  private Composites() {}

  /** `target` is /composite or /composite/observe. A body of PUT has nodes by path. */
  static DownlinkDeviceManagementRequest<? extends LwM2mResponse> request(
      String method, String target, Map<String, String> query, JsonNode body, Set<Observation> observations) {
    ContentFormat pathFormat = format(query, "pathformat");
    ContentFormat nodeFormat = format(query, "nodeformat");
    boolean observes = target.endsWith("/observe");
    switch (method) {
      case "GET":
        return new ReadCompositeRequest(pathFormat, nodeFormat, texts(query));
      case "PUT":
        Map<LwM2mPath, LwM2mNode> nodes = new HashMap<>();
        body.fields().forEachRemaining((entry) -> nodes.put(new LwM2mPath(entry.getKey()), NodeJson.parse(entry.getValue())));
        return new WriteCompositeRequest(nodeFormat, nodes, null);
      case "POST":
        if (observes) return new ObserveCompositeRequest(pathFormat, nodeFormat, texts(query).toArray(new String[0]));
        break;
      case "DELETE":
        if (observes) return new CancelCompositeObservationRequest(observed(query, observations));
        break;
      default:
    }
    throw new IllegalArgumentException("composite: " + method + " " + target);
  }

  private static CompositeObservation observed(Map<String, String> query, Set<Observation> observations) {
    List<LwM2mPath> paths = texts(query).stream().map(LwM2mPath::new).toList();
    for (Observation each : observations) {
      if (each instanceof CompositeObservation composite && composite.getPaths().equals(paths)) return composite;
    }
    throw new IllegalArgumentException("no observation of " + paths);
  }

  private static List<String> texts(Map<String, String> query) {
    return List.of(query.get("paths").split(","));
  }

  private static ContentFormat format(Map<String, String> query, String name) {
    return query.containsKey(name) ? ContentFormat.fromName(query.get(name).toUpperCase()) : null;
  }
}
