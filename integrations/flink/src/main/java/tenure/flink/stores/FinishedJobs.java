package tenure.flink.stores;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.regex.Pattern;

import javax.annotation.Nullable;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import tenure.flink.client.ProblemException;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;

/**
 * Results as Tenure keeps them: dirty is a finished job whose clean-up is held, clean one whose clean-up was
 * acknowledged. A clean result stays until its retention ends, so that nothing runs twice. Flink's own words about it
 * are in the detail of the job, as JSON.
 */
final class FinishedJobs {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LONGEST_DETAIL = 1024;
    private static final int DEEPEST_CAUSE = 8;

    private final TenureClient client;
    private final CurrentTerm current;

    FinishedJobs(TenureClient client, CurrentTerm current) {
        this.client = client;
        this.current = current;
    }

    /** Made for each request, so that it belongs to the term of that moment. */
    private TenureJobs jobs() {
        return new TenureJobs(client, current);
    }

    private interface Request<T> {
        T send() throws IOException, InterruptedException;
    }

    private static <T> T uninterrupted(Request<T> request) throws IOException {
        try {
            return request.send();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("Interrupted while a result was read or written");
        }
    }

    void finish(String name, String outcome, ObjectNode detail, @Nullable Throwable cause) throws IOException {
        if (cause != null) putFitting(detail, "cause", chainOf(cause));
        ObjectNode body = TenureClient.body()
                .put("result", outcome).put("detail", detail.toString()).put("cleanUp", "held");
        uninterrupted(() -> jobs().write("POST", "/jobs/" + name + "/finish", body));
    }

    /** The outermost cause of Flink only says that there was no restart. */
    private static String chainOf(Throwable cause) {
        StringBuilder chain = new StringBuilder(cause.toString());
        Throwable next = cause.getCause();
        for (int depth = 1; next != null && depth < DEEPEST_CAUSE; depth += 1) {
            chain.append("; caused by: ").append(next);
            next = next.getCause();
        }
        return chain.toString();
    }

    /** Keeps of the text what fits into the detail. */
    static void putFitting(ObjectNode detail, String key, String text) {
        String kept = text;
        detail.put(key, kept);
        while (!kept.isEmpty() && detail.toString().length() > LONGEST_DETAIL) {
            kept = kept.substring(0, kept.length() - Math.max(1, kept.length() / 10));
            detail.put(key, kept);
        }
    }

    /** @throws NoSuchElementException without a dirty result. */
    void acknowledge(String name) throws IOException {
        try {
            uninterrupted(() -> jobs().write("POST", "/jobs/" + name + "/clean", null));
        } catch (ProblemException e) {
            if (!e.is("not_found") && !e.is("job_active")) throw e;
            throw new NoSuchElementException(name + " has no dirty result");
        }
    }

    boolean isDirty(String name) throws IOException {
        return isDirty(uninterrupted(() -> jobs().findJob(name)));
    }

    private static boolean isDirty(@Nullable JsonNode job) {
        return job != null && job.path("state").asText().equals("FINISHED") && job.has("cleanUp");
    }

    /** Null without a clean result. */
    @Nullable
    JsonNode clean(String name) throws IOException {
        JsonNode job = uninterrupted(() -> jobs().findJob(name));
        return job == null || TenureJobs.isActive(job) || isDirty(job) ? null : job;
    }

    List<JsonNode> dirty(Pattern names) throws IOException {
        return uninterrupted(() -> jobs().list("/jobs?state=FINISHED&limit=1000")).stream()
                .filter(job -> isDirty(job) && names.matcher(job.path("jobId").asText()).matches())
                .toList();
    }

    /** The detail of a job that somebody else has finished is any text. */
    static JsonNode detailOf(JsonNode job) {
        try {
            return JSON.readTree(job.path("detail").asText());
        } catch (JsonProcessingException e) {
            return JSON.createObjectNode();
        }
    }
}
