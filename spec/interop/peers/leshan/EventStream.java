// What the server hears, as server-sent events under the names of Leshan's demo: REGISTRATION, UPDATED, NOTIFICATION, SEND…; COMPOSITE is what it calls NOTIFICATION, too.

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.leshan.core.node.TimestampedLwM2mNodes;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.request.SendRequest;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.observation.ObservationListener;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.registration.RegistrationListener;
import org.eclipse.leshan.server.registration.RegistrationUpdate;
import org.eclipse.leshan.server.send.SendListener;

final class EventStream implements RegistrationListener, ObservationListener, SendListener {
  private final Map<HttpExchange, String> listeners = new ConcurrentHashMap<>();

  EventStream(LeshanServer server) {
    server.getRegistrationService().addListener(this);
    server.getObservationService().addListener(this);
    server.getSendService().addListener(this);
  }

  /** Keeps the exchange open; `endpoint` empty hears everybody. */
  void listen(HttpExchange exchange, String endpoint) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
    exchange.sendResponseHeaders(200, 0);
    listeners.put(exchange, endpoint);
    write(exchange, ": listening\n\n");
  }

  private synchronized void send(String event, String endpoint, ObjectNode data) {
    String text = "event: " + event + "\ndata: " + data + "\n\n";
    listeners.forEach((exchange, wanted) -> {
      if (wanted.isEmpty() || wanted.equals(endpoint)) write(exchange, text);
    });
  }

  private void write(HttpExchange exchange, String text) {
    try {
      OutputStream out = exchange.getResponseBody();
      out.write(text.getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException gone) {
      listeners.remove(exchange);
      exchange.close();
    }
  }

  @Override
  public void registered(Registration now, Registration before, Collection<Observation> observations) {
    send("REGISTRATION", now.getEndpoint(), NodeJson.registration(now));
  }

  @Override
  public void updated(RegistrationUpdate update, Registration now, Registration before) {
    ObjectNode data = NodeJson.object();
    data.set("registration", NodeJson.registration(now));
    send("UPDATED", now.getEndpoint(), data);
  }

  @Override
  public void unregistered(Registration registration, Collection<Observation> observations, boolean expired, Registration next) {
    send("DEREGISTRATION", registration.getEndpoint(), NodeJson.registration(registration).put("expired", expired));
  }

  @Override
  public void onResponse(SingleObservation observation, Registration registration, ObserveResponse response) {
    ObjectNode data = NodeJson.object().put("ep", registration.getEndpoint()).put("kind", "single").put("res", observation.getPath().toString());
    data.set("val", response.getContent() == null ? NodeJson.MAPPER.nullNode() : NodeJson.node(response.getContent()));
    send("NOTIFICATION", registration.getEndpoint(), data.put("status", response.getCode().getName()));
  }

  @Override
  public void onResponse(CompositeObservation observation, Registration registration, ObserveCompositeResponse response) {
    ObjectNode data = NodeJson.object().put("ep", registration.getEndpoint());
    data.set("val", NodeJson.byPath(response.getContent()));
    send("COMPOSITE", registration.getEndpoint(), data);
  }

  @Override
  public void dataReceived(Registration registration, TimestampedLwM2mNodes nodes, SendRequest request) {
    ObjectNode data = NodeJson.object().put("ep", registration.getEndpoint());
    // getMostRecentNodes gives the oldest.
    Instant newest = nodes.getTimestamps().stream().filter(Objects::nonNull).max(Comparator.naturalOrder()).orElse(null);
    data.set("val", NodeJson.byPath(nodes.getNodesAt(newest)));
    data.put("times", nodes.getTimestamps().size());
    send("SEND", registration.getEndpoint(), data);
  }

  @Override
  public void onError(Observation observation, Registration registration, Exception error) {
    report("notification", registration, error);
  }

  @Override
  public void onError(Registration registration, String message, Exception error) {
    report("send", registration, error);
  }

  private void report(String what, Registration registration, Exception error) {
    String endpoint = registration == null ? "" : registration.getEndpoint();
    send("ERROR", endpoint, NodeJson.object().put("ep", endpoint).put("what", what).put("message", String.valueOf(error)));
  }

  @Override
  public void newObservation(Observation observation, Registration registration) {}

  @Override
  public void cancelled(Observation observation) {}
}
