// LwM2M nodes, links and registrations as JSON, in the field names of Leshan's demo REST interface.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.eclipse.leshan.core.link.Link;
import org.eclipse.leshan.core.link.attributes.Attribute;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mChildNode;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mObject;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mResourceInstance;
import org.eclipse.leshan.core.node.LwM2mRoot;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.ObjectLink;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.util.datatype.ULong;
import org.eclipse.leshan.server.registration.Registration;

final class NodeJson {
  static final ObjectMapper MAPPER = new ObjectMapper();

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  static ObjectNode node(LwM2mNode node) {
    ObjectNode json = object();
    if (node instanceof LwM2mChildNode child) json.put("id", child.getId());
    if (node instanceof LwM2mRoot root) {
      json.put("kind", "root").set("objects", nodes(root.getObjects().values()));
    } else if (node instanceof LwM2mObject whole) {
      json.put("kind", "obj").set("instances", nodes(whole.getInstances().values()));
    } else if (node instanceof LwM2mObjectInstance instance) {
      json.put("kind", "instance").set("resources", nodes(instance.getResources().values()));
    } else if (node instanceof LwM2mResource resource && resource.isMultiInstances()) {
      ObjectNode values = json.put("kind", "multiResource").put("type", resource.getType().name()).putObject("values");
      resource.getInstances().forEach((id, each) -> values.set(String.valueOf(id), value(each.getType(), each.getValue())));
    } else if (node instanceof LwM2mResource resource) {
      json.put("kind", "singleResource").put("type", resource.getType().name());
      json.set("value", value(resource.getType(), resource.getValue()));
    } else if (node instanceof LwM2mResourceInstance instance) {
      json.put("kind", "resourceInstance").put("type", instance.getType().name());
      json.set("value", value(instance.getType(), instance.getValue()));
    }
    return json;
  }

  static ArrayNode nodes(Collection<? extends LwM2mNode> nodes) {
    ArrayNode array = MAPPER.createArrayNode();
    for (LwM2mNode each : nodes) array.add(node(each));
    return array;
  }

  static ObjectNode byPath(Map<LwM2mPath, LwM2mNode> nodes) {
    ObjectNode json = object();
    nodes.forEach((path, each) -> json.set(path.toString(), each == null ? MAPPER.nullNode() : node(each)));
    return json;
  }

  private static JsonNode value(Type type, Object value) {
    return switch (type) {
      case INTEGER, UNSIGNED_INTEGER, FLOAT -> MAPPER.getNodeFactory().textNode(value.toString());
      case TIME -> MAPPER.getNodeFactory().numberNode(((Date) value).getTime());
      case OPAQUE -> MAPPER.getNodeFactory().textNode(HexFormat.of().formatHex((byte[]) value));
      case BOOLEAN -> MAPPER.getNodeFactory().booleanNode((Boolean) value);
      case OBJLNK -> object()
          .put("objectId", ((ObjectLink) value).getObjectId())
          .put("objectInstanceId", ((ObjectLink) value).getObjectInstanceId());
      default -> MAPPER.getNodeFactory().textNode(value.toString());
    };
  }

  /** @throws IllegalArgumentException naming what is not understood */
  static LwM2mNode parse(JsonNode json) {
    int id = json.path("id").asInt();
    String kind = json.path("kind").asText();
    switch (kind) {
      case "singleResource":
        Type type = type(json);
        return LwM2mSingleResource.newResource(id, parseValue(type, json.get("value")), type);
      case "multiResource":
        Type each = type(json);
        Map<Integer, Object> values = new HashMap<>();
        json.get("values").fields().forEachRemaining((entry) -> values.put(Integer.valueOf(entry.getKey()), parseValue(each, entry.getValue())));
        return LwM2mMultipleResource.newResource(id, values, each);
      case "resourceInstance":
        return LwM2mResourceInstance.newInstance(id, parseValue(type(json), json.get("value")), type(json));
      case "instance":
        List<LwM2mResource> resources = new ArrayList<>();
        for (JsonNode resource : json.get("resources")) resources.add((LwM2mResource) parse(resource));
        return new LwM2mObjectInstance(json.has("id") ? id : LwM2mObjectInstance.UNDEFINED, resources);
      default:
        throw new IllegalArgumentException("kind: expected singleResource, multiResource, resourceInstance or instance, found " + kind);
    }
  }

  private static Type type(JsonNode json) {
    return Type.valueOf(json.path("type").asText().toUpperCase());
  }

  private static Object parseValue(Type type, JsonNode value) {
    return switch (type) {
      case STRING -> value.asText();
      case INTEGER -> Long.valueOf(value.asText());
      case UNSIGNED_INTEGER -> ULong.valueOf(value.asText());
      case FLOAT -> Double.valueOf(value.asText());
      case BOOLEAN -> value.asBoolean();
      case TIME -> new Date(value.asLong());
      case OPAQUE -> HexFormat.of().parseHex(value.asText());
      case OBJLNK -> new ObjectLink(value.get("objectId").asInt(), value.get("objectInstanceId").asInt());
      default -> throw new IllegalArgumentException("type: cannot write " + type);
    };
  }

  static ArrayNode links(Link[] links) {
    ArrayNode array = MAPPER.createArrayNode();
    for (Link link : links) {
      ObjectNode json = array.addObject().put("url", link.getUriReference());
      ObjectNode attributes = json.putObject("attributes");
      if (link.hasAttribute()) link.getAttributes().asCollection().forEach((each) -> attributes.put(each.getName(), attribute(each)));
    }
    return array;
  }

  static ObjectNode registration(Registration registration) {
    ObjectNode json = object()
        .put("endpoint", registration.getEndpoint())
        .put("registrationId", registration.getId())
        .put("registrationDate", registration.getRegistrationDate().getTime())
        .put("lastUpdate", registration.getLastUpdate().getTime())
        .put("address", registration.getAddress().getHostAddress() + ":" + registration.getPort())
        .put("lwM2mVersion", registration.getLwM2mVersion().toString())
        .put("lifetime", registration.getLifeTimeInSec())
        .put("bindingMode", BindingMode.toString(registration.getBindingMode()))
        .put("rootPath", registration.getRootPath())
        .put("queuemode", registration.getQueueMode())
        .put("secure", registration.getEndpointUri().getScheme().startsWith("coaps"));
    json.set("objectLinks", links(registration.getSortedObjectLinks()));
    ObjectNode attributes = json.putObject("additionalRegistrationAttributes");
    registration.getAdditionalRegistrationAttributes().forEach(attributes::put);
    ArrayNode formats = json.putArray("supportedContentFormats");
    registration.getSupportedContentFormats().forEach((each) -> formats.add(each.getName()));
    return json;
  }

  private static String attribute(Attribute attribute) {
    String value = attribute.getCoreLinkValue();
    if (value == null) return "";
    return value.startsWith("\"") ? value.substring(1, value.length() - 1) : value;
  }

  private NodeJson() {}
}
