package tenure.flink.stores;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collection;
import java.util.Set;

import org.apache.flink.api.common.ApplicationID;
import org.apache.flink.api.common.ApplicationState;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobInfo;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.application.AbstractApplication;
import org.apache.flink.runtime.blob.PermanentBlobService;
import org.apache.flink.runtime.highavailability.ApplicationResult;
import org.apache.flink.runtime.highavailability.ApplicationResultEntry;
import org.apache.flink.runtime.highavailability.JobResultEntry;
import org.apache.flink.runtime.jobmanager.ApplicationStoreEntry;
import org.apache.flink.runtime.jobmanager.DefaultApplicationStore;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.runtime.persistence.IntegerResourceVersion;
import org.apache.flink.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import tenure.flink.LeadingProcess;
import tenure.flink.TestService;

/** Applications beside the jobs of the same group. */
class ApplicationsTest {

    private final String group = TestService.newGroup();
    private final ApplicationID applicationId = new ApplicationID();

    private record Entry(ApplicationID applicationId, String name) implements ApplicationStoreEntry {
        @Override
        public ApplicationID getApplicationId() {
            return applicationId;
        }

        @Override
        public String getName() {
            return name;
        }

        @Override
        public AbstractApplication getApplication(
                PermanentBlobService blobs, Collection<JobInfo> recovered, Collection<JobInfo> terminal) {
            throw new UnsupportedOperationException("Stored, never run");
        }
    }

    private static DefaultApplicationStore<IntegerResourceVersion> store(LeadingProcess process) throws Exception {
        var store = new DefaultApplicationStore<>(
                ActiveJobs.<ApplicationStoreEntry>named(
                        Applications.NAMES, process.client, process.current, new Configuration()),
                Applications.PREFIXED);
        store.start();
        return store;
    }

    @Test
    void anApplicationIsRecoveredByTheNextLeaderAndTheDeposedOneIsRefused() throws Exception {
        LeadingProcess old = LeadingProcess.of(group);
        var written = store(old);
        written.putApplication(new Entry(applicationId, "counted"));
        JobID jobId = new JobID();
        StoreAccess.graphs(old).addAndLock(jobId.toHexString(), StoreAccess.graph(jobId, "job"));

        LeadingProcess next = LeadingProcess.of(group);
        var recovered = store(next);
        assertThat(recovered.getApplicationIds()).containsExactly(applicationId);
        assertThat(recovered.recoverApplication(applicationId)).hasValue(new Entry(applicationId, "counted"));
        assertThat(StoreAccess.graphs(next).getAllHandles()).containsExactly(jobId.toHexString());
        assertThatThrownBy(() -> written.putApplication(new Entry(applicationId, "late"))).hasMessageContaining("fenced");
        assertThatThrownBy(() -> written.globalCleanupAsync(applicationId, Executors.directExecutor()).get())
                .hasStackTraceContaining("fenced");
    }

    @Test
    void whatHasEndedIsNotRecoveredAndKeepsItsResult() throws Exception {
        LeadingProcess process = LeadingProcess.of(group);
        var store = store(process);
        store.putApplication(new Entry(applicationId, "counted"));
        var results = new TenureApplicationResultStore(process.client, process.current, Executors.directExecutor());
        ApplicationResult result = new ApplicationResult.Builder()
                .applicationId(applicationId).applicationState(ApplicationState.CANCELED)
                .applicationName("counted ".repeat(200)).startTime(3).endTime(7).build();
        results.createDirtyResultAsync(new ApplicationResultEntry(result)).get();
        assertThat(store.getApplicationIds()).isEmpty();
        store.globalCleanupAsync(applicationId, Executors.directExecutor()).get();
        results.markResultAsCleanAsync(applicationId).get();

        ApplicationResult kept = results.getCleanApplicationResultAsync(applicationId).get();
        assertThat(kept.getApplicationState()).isEqualTo(ApplicationState.CANCELED);
        assertThat(kept.getStartTime()).isEqualTo(3);
        assertThat(kept.getEndTime()).isEqualTo(7);
        assertThat(result.getApplicationName()).as("of a long name, what fits").startsWith(kept.getApplicationName());
        assertThat(kept.getApplicationName()).hasSizeGreaterThan(500);
    }

    /** Without its application Flink 2 does not recover from a dirty result. */
    @Test
    void theDirtyResultOfAJobNamesItsApplication() throws Exception {
        LeadingProcess process = LeadingProcess.of(group);
        var results = new TenureJobResultStore(process.client, process.current, Executors.directExecutor());
        JobResult result = new JobResult.Builder()
                .jobId(new JobID()).jobName("counting").jobStatus(JobStatus.FAILED).applicationId(applicationId)
                .netRuntime(4).startTime(3).endTime(7)
                .serializedThrowable(new org.apache.flink.util.SerializedThrowable(new Exception("\u0001".repeat(900))))
                .build();
        results.createDirtyResultAsync(new JobResultEntry(result)).get();
        Set<JobResult> dirty = results.getDirtyResults();
        assertThat(dirty).singleElement().satisfies(each -> {
            assertThat(each.getApplicationId()).hasValue(applicationId);
            assertThat(each.getJobName()).isEqualTo("counting");
            assertThat(each.getJobStatus()).hasValue(JobStatus.FAILED);
            assertThat(each.getEndTime()).isEqualTo(7);
            assertThat(each.getSerializedThrowable()).isPresent();
        });
    }
}
