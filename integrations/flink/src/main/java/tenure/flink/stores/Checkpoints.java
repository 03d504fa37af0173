package tenure.flink.stores;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.runtime.checkpoint.CheckpointStoreUtil;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.persistence.IntegerResourceVersion;
import org.apache.flink.runtime.persistence.StateHandleStore;
import org.apache.flink.runtime.state.RetrievableStateHandle;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tenure.flink.client.ProblemException;
import tenure.flink.client.TenureClient;

/** The completed checkpoints of one job, under the ids that Flink gives them. */
final class Checkpoints implements StateHandleStore<CompletedCheckpoint, IntegerResourceVersion> {

    /** Padded, since Flink sorts names as text. */
    enum Names implements CheckpointStoreUtil {
        PADDED;

        @Override
        public String checkpointIDToName(long checkpointId) {
            return String.format("%019d", checkpointId);
        }

        @Override
        public long nameToCheckpointID(String name) {
            try {
                return Long.parseLong(name);
            } catch (NumberFormatException e) {
                return INVALID_CHECKPOINT_ID;
            }
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);
    private static final IntegerResourceVersion WRITTEN_ONCE = IntegerResourceVersion.valueOf(0);

    private final TenureJobs jobs;
    private final String jobId;
    private final String path;
    /** Subsumed checkpoints whose files Flink has yet to delete. */
    private final List<String> subsumed = new ArrayList<>();
    /** How many of them it has dealt with; it does not say which. */
    private int cleaned;
    private boolean deferred;

    Checkpoints(TenureJobs jobs, String jobId) {
        this.jobs = jobs;
        this.jobId = jobId;
        this.path = "/jobs/" + jobId + "/checkpoints";
    }

    private String pathOf(String name) {
        return path + "/" + Names.PADDED.nameToCheckpointID(name);
    }

    @Override
    public RetrievableStateHandle<CompletedCheckpoint> addAndLock(String name, CompletedCheckpoint checkpoint)
            throws Exception {
        byte[] content = Payloads.serialize(checkpoint);
        String digest = Payloads.sha256(content);
        ObjectNode body = jobs.payloads().reference(jobId, "checkpoint", content, jobs.fence());
        body.put("checkpointId", Names.PADDED.nameToCheckpointID(name));
        try {
            jobs.refer("POST", path, body, () -> {
                JsonNode found = jobs.find(pathOf(name));
                return found != null && found.path("sha256").asText().equals(digest);
            });
        } catch (ProblemException e) {
            if (e.is("stale_checkpoint_id") && jobs.find(pathOf(name)) != null)
                throw new AlreadyExistException("Checkpoint " + name + " of job " + jobId + " is committed", e);
            throw e;
        }
        return handle(name, content.length);
    }

    @Override
    public void replace(String name, IntegerResourceVersion version, CompletedCheckpoint checkpoint) {
        throw new UnsupportedOperationException("A checkpoint is written once");
    }

    @Override
    public IntegerResourceVersion exists(String name) throws Exception {
        return jobs.find(pathOf(name)) == null ? IntegerResourceVersion.notExisting() : WRITTEN_ONCE;
    }

    @Override
    public RetrievableStateHandle<CompletedCheckpoint> getAndLock(String name) throws Exception {
        JsonNode found = jobs.find(pathOf(name));
        if (found == null) throw new NotExistException("Job " + jobId + " has no checkpoint " + name);
        return handle(name, found.path("bytes").asLong());
    }

    private RetrievableStateHandle<CompletedCheckpoint> handle(String name, long bytes) {
        return new PayloadHandle<>(() -> {
            JsonNode found = jobs.find(pathOf(name));
            if (found == null) throw new IOException("Job " + jobId + " has no checkpoint " + name + " any more");
            return jobs.payloads().read(found);
        }, bytes);
    }

    @Override
    public List<Tuple2<RetrievableStateHandle<CompletedCheckpoint>, String>> getAllAndLock() throws Exception {
        List<Tuple2<RetrievableStateHandle<CompletedCheckpoint>, String>> all = new ArrayList<>();
        for (JsonNode each : listed()) {
            String name = Names.PADDED.checkpointIDToName(each.path("checkpointId").asLong());
            all.add(Tuple2.of(handle(name, each.path("bytes").asLong()), name));
        }
        return all;
    }

    @Override
    public Collection<String> getAllHandles() throws Exception {
        return listed().stream()
                .map(each -> Names.PADDED.checkpointIDToName(each.path("checkpointId").asLong()))
                .toList();
    }

    private List<JsonNode> listed() throws IOException, InterruptedException {
        return jobs.list(path + "?limit=1000").stream()
                .filter(each -> each.path("kind").asText().equals("checkpoint"))
                .sorted(Comparator.comparingLong(each -> each.path("checkpointId").asLong()))
                .toList();
    }

    /** While drops are deferred, the reference stays until {@link #dropCleaned}. */
    @Override
    public boolean releaseAndTryRemove(String name) throws Exception {
        synchronized (subsumed) {
            if (deferred) return subsumed.add(name);
        }
        return drop(name);
    }

    /**
     * Called once for each subsumed checkpoint, when its files are gone or shall stay. The references go once all files
     * are: until then there are a few more than Flink retains, never more than Tenure does.
     */
    void dropCleaned() {
        List<String> over;
        synchronized (subsumed) {
            cleaned += 1;
            if (cleaned < subsumed.size()) return;
            over = List.copyOf(subsumed);
            subsumed.clear();
            cleaned = 0;
        }
        for (String name : over) {
            try {
                drop(name);
            } catch (IOException e) {
                LOG.warn("The reference of checkpoint {} of job {} stays until it is one too many.", name, jobId, e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /** Whether references of subsumed checkpoints stay until their files are gone. */
    void deferDrops(boolean defer) {
        synchronized (subsumed) {
            deferred = defer;
        }
    }

    private boolean drop(String name) throws IOException, InterruptedException {
        return delete(pathOf(name) + "?force=true");
    }

    @Override
    public void clearEntries() throws Exception {
        delete(path);
    }

    /** Of a job that has finished, the references go with the acknowledged clean-up. */
    private boolean delete(String which) throws IOException, InterruptedException {
        try {
            jobs.write("DELETE", which, null);
        } catch (ProblemException e) {
            if (!e.is("not_found") && !e.is("job_finished")) throw e;
        }
        return true;
    }

    @Override
    public void release(String name) {}

    @Override
    public void releaseAll() {}

    @Override
    public String toString() {
        return "Checkpoints{Tenure, job " + jobId + "}";
    }
}
