package tenure.flink.stores;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;

import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.runtime.persistence.IntegerResourceVersion;
import org.apache.flink.runtime.persistence.StateHandleStore;
import org.apache.flink.runtime.state.RetrievableStateHandle;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;

/**
 * The graphs of the jobs that a new leader must recover, and in Flink 2 its applications: Tenure's active jobs. Their
 * names tell the two apart. Listing them claims them, so that the writes of every earlier leader are refused
 * from then on.
 */
public final class ActiveJobs<T extends Serializable> implements StateHandleStore<T, IntegerResourceVersion> {

    /** The names of Flink's own jobs: their ids. */
    public static final Pattern JOB = Pattern.compile("[0-9a-f]{32}");

    private static final Logger LOG = LoggerFactory.getLogger(ActiveJobs.class);
    /** Savepoints in between make Flink keep more for a while than it retains. */
    private static final int SPARE = 8;
    private static final int MOST_RETAINED = 256;

    private final TenureJobs jobs;
    private final Pattern names;
    private final int retain;

    ActiveJobs(TenureJobs jobs, Pattern names, int retainedByFlink) {
        this.jobs = jobs;
        this.names = names;
        this.retain = Math.min(MOST_RETAINED, Math.max(1, retainedByFlink) + SPARE);
    }

    public static <T extends Serializable> ActiveJobs<T> named(
            Pattern names, TenureClient client, CurrentTerm current, ReadableConfig configuration) {
        int retained = configuration.get(CheckpointingOptions.MAX_RETAINED_CHECKPOINTS);
        return new ActiveJobs<>(new TenureJobs(client, current), names, retained);
    }

    @Override
    public RetrievableStateHandle<T> addAndLock(String name, T graph) throws Exception {
        if (TenureJobs.isActive(jobs.findJob(name))) throw new AlreadyExistException("Job " + name + " is active");
        return submit(name, graph);
    }

    @Override
    public void replace(String name, IntegerResourceVersion version, T graph) throws Exception {
        if (!TenureJobs.isActive(jobs.findJob(name))) throw new NotExistException("Job " + name + " is not active");
        submit(name, graph);
    }

    private RetrievableStateHandle<T> submit(String name, T graph) throws Exception {
        byte[] content = Payloads.serialize(graph);
        String digest = Payloads.sha256(content);
        ObjectNode body = TenureClient.body().put("retain", retain);
        body.set("graph", jobs.payloads().reference(name, "graph", content, jobs.fence()));
        jobs.refer("PUT", "/jobs/" + name, body, () -> {
            JsonNode job = jobs.findJob(name);
            return TenureJobs.isActive(job) && job.path("graph").path("sha256").asText().equals(digest);
        });
        return handle(name, content.length);
    }

    /** The version is that of the newest term that wrote; the fence, not this, decides between two writers. */
    @Override
    public IntegerResourceVersion exists(String name) throws Exception {
        JsonNode job = jobs.findJob(name);
        return TenureJobs.isActive(job)
                ? IntegerResourceVersion.valueOf(job.path("fencingVersion").asInt())
                : IntegerResourceVersion.notExisting();
    }

    @Override
    public RetrievableStateHandle<T> getAndLock(String name) throws Exception {
        JsonNode job = jobs.findJob(name);
        if (TenureJobs.isActive(job)) return handle(name, job.path("graph").path("bytes").asLong());
        throw new NotExistException("Job " + name + " is not active");
    }

    private RetrievableStateHandle<T> handle(String name, long bytes) {
        return new PayloadHandle<>(() -> {
            JsonNode job = jobs.findJob(name);
            if (TenureJobs.isActive(job)) return jobs.payloads().read(job.path("graph"));
            throw new IOException("Job " + name + " is not active any more");
        }, bytes);
    }

    @Override
    public List<Tuple2<RetrievableStateHandle<T>, String>> getAllAndLock() throws Exception {
        List<Tuple2<RetrievableStateHandle<T>, String>> all = new ArrayList<>();
        for (String name : getAllHandles()) all.add(Tuple2.of(getAndLock(name), name));
        return all;
    }

    @Override
    public Collection<String> getAllHandles() throws Exception {
        return active().stream().filter(name -> names.matcher(name).matches()).toList();
    }

    private List<String> active() throws IOException, InterruptedException {
        List<String> active = new ArrayList<>();
        if (jobs.fenceOrNull() == null) {
            for (JsonNode job : jobs.list("/jobs?state=ACTIVE&limit=1000")) active.add(job.path("jobId").asText());
            return active;
        }
        JsonNode page;
        String cursor = null;
        do {
            ObjectNode body = TenureClient.body().put("onDamaged", "fallback");
            page = jobs.write("POST", "/recovery", cursor == null ? body : body.put("cursor", cursor));
            page.path("jobs").forEach(job -> active.add(job.path("jobId").asText()));
            // Left in the list, so that its recovery fails loudly instead of losing the job.
            for (JsonNode damaged : page.path("damaged")) {
                LOG.error("Job {} is damaged: {}", damaged.path("jobId").asText(), damaged.path("reason").asText());
                if (!damaged.has("fellBackTo")) active.add(damaged.path("jobId").asText());
            }
            cursor = page.path("nextCursor").asText(null);
        } while (cursor != null);
        return active;
    }

    /**
     * Flink removes a graph after it has recorded the job's result, and that ended the job here already. A graph
     * without a result belongs to a job that never ran: it ends as failed.
     */
    @Override
    public boolean releaseAndTryRemove(String name) throws Exception {
        if (!TenureJobs.isActive(jobs.findJob(name))) return true;
        ObjectNode body = TenureClient.body().put("result", "failed").put("detail", "Removed before it had a result");
        jobs.write("POST", "/jobs/" + name + "/finish", body);
        return true;
    }

    @Override
    public void clearEntries() throws Exception {
        for (String name : getAllHandles()) releaseAndTryRemove(name);
    }

    @Override
    public void release(String name) {}

    @Override
    public void releaseAll() {}

    @Override
    public String toString() {
        return "ActiveJobs{Tenure, " + names + "}";
    }
}
