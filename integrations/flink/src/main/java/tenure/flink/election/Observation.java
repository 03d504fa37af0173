package tenure.flink.election;

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

import javax.annotation.Nullable;

import org.apache.flink.runtime.leaderelection.LeaderInformation;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/** Who leads, as every process may see it: a confirmed leader with its addresses, or none. */
record Observation(
        long atNanos,
        @Nullable UUID session,
        Map<String, String> addresses,
        long availableInMs,
        @Nullable String barredInstance) {

    static Observation from(JsonNode view) {
        JsonNode leader = view.path("leader");
        Map<String, String> addresses = new HashMap<>();
        view.path("addresses").fields().forEachRemaining(each -> addresses.put(each.getKey(), each.getValue().asText()));
        return new Observation(
                System.nanoTime(),
                leader.isObject() ? UUID.fromString(leader.path("sessionId").asText()) : null,
                Map.copyOf(addresses),
                view.path("availableInMs").asLong(),
                view.path("barred").path("instanceId").asText(null));
    }

    LeaderInformation of(String componentId) {
        String address = addresses.get(componentId);
        return session == null || address == null
                ? LeaderInformation.empty()
                : LeaderInformation.known(session, address);
    }
}
