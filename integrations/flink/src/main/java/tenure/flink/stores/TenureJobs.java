package tenure.flink.stores;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import javax.annotation.Nullable;

import org.apache.flink.runtime.persistence.PossibleInconsistentStateException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import tenure.flink.client.Fence;
import tenure.flink.client.ProblemException;
import tenure.flink.client.TenureClient;
import tenure.flink.client.UnknownOutcomeException;
import tenure.flink.election.CurrentTerm;

/**
 * The jobs of the group for one store of Flink, which keeps to the term in which it was made: a store of an earlier
 * term of the same process is refused like that of any deposed leader.
 */
final class TenureJobs {

    /** Whether a write whose answer was lost has taken effect, seen from what is stored now. */
    @FunctionalInterface
    interface ReadBack {
        boolean tookEffect() throws IOException, InterruptedException;
    }

    private final TenureClient client;
    @Nullable private final Fence fence;
    private final Duration budget;

    TenureJobs(TenureClient client, CurrentTerm current) {
        this.client = client;
        this.fence = current.fenceOrNull();
        this.budget = client.settings().lease();
    }

    Payloads payloads() {
        return new Payloads(client);
    }

    @Nullable
    Fence fenceOrNull() {
        return fence;
    }

    /** @throws IOException in a process that did not lead when the store was made: nothing was written. */
    Fence fence() throws IOException {
        if (fence == null) throw new IOException("This process does not lead: nothing was written");
        return fence;
    }

    JsonNode write(String method, String path, @Nullable ObjectNode body) throws IOException, InterruptedException {
        return client.call(method, path, body, fence(), budget);
    }

    /**
     * Writes a reference. A refusal is thrown as it is: nothing refers to the state, which may be deleted. An unknown
     * outcome is settled by reading back; what stays unknown keeps the state.
     */
    JsonNode refer(String method, String path, ObjectNode body, ReadBack readBack)
            throws IOException, InterruptedException, PossibleInconsistentStateException {
        try {
            return write(method, path, body);
        } catch (UnknownOutcomeException e) {
            try {
                if (readBack.tookEffect()) return TenureClient.body();
            } catch (IOException unread) {
                e.addSuppressed(unread);
            }
            throw new PossibleInconsistentStateException(e.getMessage(), e);
        }
    }

    /** Null for what is not there. */
    @Nullable
    JsonNode find(String path) throws IOException, InterruptedException {
        try {
            return client.get(path, budget);
        } catch (ProblemException e) {
            if (e.is("not_found")) return null;
            throw e;
        }
    }

    @Nullable
    JsonNode findJob(String jobId) throws IOException, InterruptedException {
        return find("/jobs/" + jobId);
    }

    static boolean isActive(@Nullable JsonNode job) {
        return job != null && job.path("state").asText().equals("ACTIVE");
    }

    /** Every item of a list, or none where there is no such list; the path has a query already. */
    List<JsonNode> list(String path) throws IOException, InterruptedException {
        List<JsonNode> items = new ArrayList<>();
        String cursor = "";
        do {
            JsonNode page = find(path + cursor);
            if (page == null) return items;
            page.path("items").forEach(items::add);
            cursor = page.has("nextCursor") ? "&cursor=" + page.path("nextCursor").asText() : "";
        } while (!cursor.isEmpty());
        return items;
    }
}
