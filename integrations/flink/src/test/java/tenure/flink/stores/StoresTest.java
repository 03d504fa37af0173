package tenure.flink.stores;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

import org.apache.flink.api.common.JobID;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.CheckpointProperties;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.persistence.PossibleInconsistentStateException;
import org.apache.flink.runtime.persistence.StateHandleStore;
import org.apache.flink.runtime.state.testutils.TestCompletedCheckpointStorageLocation;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tenure.flink.FaultyGateway;
import tenure.flink.FaultyGateway.Fault;
import tenure.flink.LeadingProcess;
import tenure.flink.TestService;
import tenure.flink.client.ProblemException;

class StoresTest {

    private String group;
    private JobID jobId;
    private String name;

    @BeforeEach
    void newJob() {
        group = TestService.newGroup();
        jobId = new JobID();
        name = jobId.toHexString();
    }

    private static String id(long checkpointId) {
        return Checkpoints.Names.PADDED.checkpointIDToName(checkpointId);
    }

    private CompletedCheckpoint checkpoint(long id) {
        return new CompletedCheckpoint(
                jobId, id, 1, 2, new java.util.HashMap<>(), null,
                CheckpointProperties.forCheckpoint(
                        org.apache.flink.runtime.checkpoint.CheckpointRetentionPolicy.NEVER_RETAIN_AFTER_TERMINATION),
                new TestCompletedCheckpointStorageLocation(), null);
    }

    private static JobGraph large(JobID jobId) {
        JobGraph graph = StoreAccess.graph(jobId, "large");
        byte[] noise = new byte[300_000];
        new java.util.Random(1).nextBytes(noise);
        graph.getJobConfiguration().setBytes("noise", noise);
        return graph;
    }

    @Test
    void aGraphIsAddedOnceReplacedReadAndRemoved() throws Exception {
        var graphs = StoreAccess.graphs(LeadingProcess.of(group));
        assertThat(graphs.exists(name).isExisting()).isFalse();
        assertThatThrownBy(() -> graphs.getAndLock(name)).isInstanceOf(StateHandleStore.NotExistException.class);
        assertThat(graphs.addAndLock(name, StoreAccess.graph(jobId, "first")).retrieveState().getName())
                .isEqualTo("first");
        assertThatThrownBy(() -> graphs.addAndLock(name, StoreAccess.graph(jobId, "again")))
                .isInstanceOf(StateHandleStore.AlreadyExistException.class);
        graphs.replace(name, graphs.exists(name), StoreAccess.graph(jobId, "second"));
        assertThat(graphs.getAndLock(name).retrieveState().getName()).isEqualTo("second");
        assertThat(graphs.getAllHandles()).containsExactly(name);
        assertThat(graphs.releaseAndTryRemove(name)).isTrue();
        assertThat(graphs.releaseAndTryRemove(name)).isTrue();
        assertThat(graphs.getAllHandles()).isEmpty();
    }

    @Test
    void aGraphOverTheLimitOfOneRequestIsUploaded() throws Exception {
        var graphs = StoreAccess.graphs(LeadingProcess.of(group));
        graphs.addAndLock(name, large(jobId));
        byte[] read = graphs.getAndLock(name).retrieveState().getJobConfiguration().getBytes("noise", new byte[0]);
        assertThat(read).hasSize(300_000);
    }

    @Test
    void theNextLeaderRecoversAndTheDeposedOneIsRefusedForGood() throws Exception {
        LeadingProcess old = LeadingProcess.of(group);
        var oldGraphs = StoreAccess.graphs(old);
        var oldCheckpoints = StoreAccess.checkpoints(old, jobId);
        oldGraphs.addAndLock(name, StoreAccess.graph(jobId, "job"));
        oldCheckpoints.addAndLock(id(1), checkpoint(1));
        var counter = StoreAccess.counter(old, jobId);

        LeadingProcess next = LeadingProcess.of(group);
        assertThat(StoreAccess.graphs(next).getAllHandles()).containsExactly(name);
        var checkpoints = StoreAccess.checkpoints(next, jobId);
        assertThat(checkpoints.getAllHandles()).containsExactly(id(1));

        // A refusal, not an unknown outcome: Flink deletes the files of a checkpoint that nobody will refer to.
        assertThatThrownBy(() -> oldCheckpoints.addAndLock(id(2), checkpoint(2)))
                .isInstanceOfSatisfying(ProblemException.class, e -> assertThat(e.code()).isEqualTo("fenced"));
        assertThatThrownBy(() -> oldCheckpoints.releaseAndTryRemove(id(1))).hasMessageContaining("fenced");
        assertThatThrownBy(() -> oldGraphs.replace(name, oldGraphs.exists(name), StoreAccess.graph(jobId, "late")))
                .hasMessageContaining("fenced");
        assertThatThrownBy(() -> oldGraphs.releaseAndTryRemove(name)).hasMessageContaining("fenced");
        assertThatThrownBy(counter::getAndIncrement).hasMessageContaining("fenced");
        assertThat(checkpoints.getAndLock(id(1)).retrieveState().getCheckpointID()).isEqualTo(1);
        assertThat(StoreAccess.graphs(next).getAndLock(name).retrieveState().getName()).isEqualTo("job");
    }

    @Test
    void aStoreKeepsToTheTermItWasMadeIn() throws Exception {
        LeadingProcess process = LeadingProcess.of(group);
        var old = StoreAccess.graphs(process);
        old.addAndLock(name, StoreAccess.graph(jobId, "job"));
        LeadingProcess again = LeadingProcess.of(group);
        tenure.flink.election.GrantedTerm.begin(process.current, again.fence);
        StoreAccess.graphs(process).getAllHandles();
        assertThatThrownBy(() -> old.replace(name, old.exists(name), StoreAccess.graph(jobId, "late")))
                .hasMessageContaining("fenced");
    }

    @Test
    void aLostAnswerIsNoFailure() throws Exception {
        try (FaultyGateway gateway = new FaultyGateway(TestService.url())) {
            AtomicInteger writes = new AtomicInteger();
            gateway.plan(request -> !request.startsWith("GET") && writes.getAndIncrement() % 2 == 0
                    ? Fault.ANSWER_LOST : null);
            LeadingProcess process = LeadingProcess.of(gateway.url(), group);
            StoreAccess.graphs(process).addAndLock(name, StoreAccess.graph(jobId, "job"));
            var checkpoints = StoreAccess.checkpoints(process, jobId);
            checkpoints.addAndLock(id(1), checkpoint(1));
            checkpoints.addAndLock(id(2), checkpoint(2));
            assertThat(checkpoints.getAllHandles()).containsExactly(id(1), id(2));
            assertThat(checkpoints.releaseAndTryRemove(id(1))).isTrue();
            assertThat(checkpoints.getAllHandles()).containsExactly(id(2));
            assertThat(StoreAccess.graphs(process).releaseAndTryRemove(name)).isTrue();
        }
    }

    @Test
    void anUnknownOutcomeIsReadBackAndOtherwiseKeepsTheFiles() throws Exception {
        try (FaultyGateway gateway = new FaultyGateway(TestService.url())) {
            LeadingProcess process = LeadingProcess.of(gateway.url(), group);
            StoreAccess.graphs(process).addAndLock(name, StoreAccess.graph(jobId, "job"));
            var checkpoints = StoreAccess.checkpoints(process, jobId);
            // Every answer is lost, but what was written can be read.
            gateway.plan(request -> request.startsWith("POST") ? Fault.ANSWER_LOST : null);
            assertThat(checkpoints.addAndLock(id(1), checkpoint(1)).retrieveState().getCheckpointID()).isEqualTo(1);
            // Nothing arrives, and nobody knows that.
            gateway.plan(request -> Fault.REQUEST_LOST);
            assertThatThrownBy(() -> checkpoints.addAndLock(id(2), checkpoint(2)))
                    .isInstanceOf(PossibleInconsistentStateException.class);
            gateway.plan(request -> null);
            assertThat(checkpoints.getAllHandles()).containsExactly(id(1));
        }
    }

    @Test
    void aFinishedJobKeepsItsCheckpointsUntilTheCleanUpIsAcknowledged() throws Exception {
        LeadingProcess process = LeadingProcess.of(group);
        StoreAccess.graphs(process).addAndLock(name, StoreAccess.graph(jobId, "job"));
        var checkpoints = StoreAccess.checkpoints(process, jobId);
        checkpoints.addAndLock(id(7), checkpoint(7));
        var results = new TenureJobResultStore(
                process.client, process.current, org.apache.flink.util.concurrent.Executors.directExecutor());
        var result = org.apache.flink.runtime.testutils.TestingJobResultStore.createSuccessfulJobResult(jobId);
        results.createDirtyResultAsync(new org.apache.flink.runtime.highavailability.JobResultEntry(result)).get();
        assertThat(StoreAccess.graphs(process).getAllHandles()).isEmpty();
        assertThat(checkpoints.getAndLock(id(7)).retrieveState().getCheckpointID()).isEqualTo(7);
        assertThat(checkpoints.releaseAndTryRemove(id(7))).isTrue();
        assertThat(StoreAccess.graphs(process).releaseAndTryRemove(name)).isTrue();
        results.markResultAsCleanAsync(jobId).get();
        assertThat(results.hasCleanJobResultEntryAsync(jobId).get()).isTrue();
        assertThat(process.client.get("/jobs/" + name, Duration.ofSeconds(10)).has("cleanUp")).isFalse();
    }
}
