package tenure.flink.stores;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;

import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.runtime.checkpoint.CheckpointProperties;
import org.apache.flink.runtime.checkpoint.CheckpointRetentionPolicy;
import org.apache.flink.runtime.checkpoint.CheckpointsCleaner;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStore;
import org.apache.flink.runtime.state.filesystem.FileStateHandle;
import org.apache.flink.runtime.state.testutils.TestCompletedCheckpointStorageLocation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tenure.flink.LeadingProcess;
import tenure.flink.TestService;

/** Files that a killed JobManager leaves behind in the folder of checkpoints. */
class CheckpointFilesTest {

    @TempDir Path folder;
    private final JobID jobId = new JobID();
    /** Flink deletes files on an executor; here it runs when the test says so. */
    private final Deque<Runnable> deletions = new ArrayDeque<>();

    private Path written(long id) throws IOException {
        Path metadata = folder.resolve("chk-" + id).resolve("_metadata");
        Files.createDirectories(metadata.getParent());
        return Files.writeString(metadata, "checkpoint " + id);
    }

    private CompletedCheckpoint checkpoint(long id) throws IOException {
        Path metadata = written(id);
        FileStateHandle handle =
                new FileStateHandle(new org.apache.flink.core.fs.Path(metadata.toUri()), Files.size(metadata));
        String pointer = metadata.getParent().toUri().toString().replaceAll("/$", "");
        return new CompletedCheckpoint(
                jobId, id, 1, 2, new HashMap<>(), null,
                CheckpointProperties.forCheckpoint(CheckpointRetentionPolicy.NEVER_RETAIN_AFTER_TERMINATION),
                new TestCompletedCheckpointStorageLocation(handle, pointer), null);
    }

    private void runDeletions() {
        for (Runnable next = deletions.poll(); next != null; next = deletions.poll()) next.run();
    }

    @Test
    void theReferenceOfASubsumedCheckpointGoesAfterItsFiles() throws Exception {
        String group = TestService.newGroup();
        LeadingProcess process = LeadingProcess.of(group);
        StoreAccess.graphs(process).addAndLock(jobId.toHexString(), StoreAccess.graph(jobId, "job"));
        CompletedCheckpointStore store = StoreAccess.store(process, jobId, 1, deletions::add);
        CheckpointsCleaner cleaner = new CheckpointsCleaner();
        for (long id = 1; id <= 3; id++) store.addCheckpointAndSubsumeOldestOne(checkpoint(id), cleaner, () -> {});

        // A leader that is killed now has deleted nothing; the next one knows of all three.
        LeadingProcess next = LeadingProcess.of(group);
        StoreAccess.graphs(next).getAllAndLock();
        CompletedCheckpointStore recovered = StoreAccess.store(next, jobId, 1, deletions::add);
        assertThat(recovered.getAllCheckpoints()).extracting(CompletedCheckpoint::getCheckpointID)
                .containsExactly(1L, 2L, 3L);
        deletions.clear();

        recovered.addCheckpointAndSubsumeOldestOne(checkpoint(4), cleaner, () -> {});
        assertThat(StoreAccess.checkpoints(next, jobId).getAllHandles()).hasSize(4);
        runDeletions();
        assertThat(folder.resolve("chk-1").resolve("_metadata")).doesNotExist();
        assertThat(folder.resolve("chk-3").resolve("_metadata")).doesNotExist();
        assertThat(StoreAccess.checkpoints(next, jobId).getAllHandles())
                .containsExactly(Checkpoints.Names.PADDED.checkpointIDToName(4));

        recovered.shutdown(JobStatus.CANCELED, cleaner);
        runDeletions();
        assertThat(folder.resolve("chk-4").resolve("_metadata")).doesNotExist();
        assertThat(StoreAccess.checkpoints(next, jobId).getAllHandles()).isEmpty();
    }

    @Test
    void aReferenceWhoseFilesAreGoneIsSubsumedLikeAnyOther() throws Exception {
        String group = TestService.newGroup();
        LeadingProcess process = LeadingProcess.of(group);
        StoreAccess.graphs(process).addAndLock(jobId.toHexString(), StoreAccess.graph(jobId, "job"));
        CompletedCheckpointStore store = StoreAccess.store(process, jobId, 1, deletions::add);
        CheckpointsCleaner cleaner = new CheckpointsCleaner();
        for (long id = 1; id <= 2; id++) store.addCheckpointAndSubsumeOldestOne(checkpoint(id), cleaner, () -> {});
        Files.delete(folder.resolve("chk-1").resolve("_metadata"));

        CompletedCheckpointStore recovered = StoreAccess.store(process, jobId, 1, Runnable::run);
        recovered.addCheckpointAndSubsumeOldestOne(checkpoint(3), cleaner, () -> {});
        assertThat(StoreAccess.checkpoints(process, jobId).getAllHandles())
                .containsExactly(Checkpoints.Names.PADDED.checkpointIDToName(3));
    }

    @Test
    void foldersThatWereReservedAndNeverCommittedAreDeletedAndNoOther() throws Exception {
        Path retainedByAnEarlierRun = written(7);
        Files.setLastModifiedTime(retainedByAnEarlierRun, FileTime.fromMillis(1_000_000));
        CompletedCheckpoint newest = checkpoint(5);
        for (long id : new long[] {4, 6, 8, 9}) written(id);
        Files.createDirectories(folder.resolve("shared"));
        Files.writeString(folder.resolve("shared").resolve("state"), "shared");

        UncommittedFolders uncommitted = UncommittedFolders.between(newest, 9);
        assertThat(uncommitted).isNotNull();
        uncommitted.delete();
        uncommitted.delete();

        assertThat(folder.toFile().list()).containsExactlyInAnyOrder("chk-4", "chk-5", "chk-7", "chk-9", "shared");
        assertThat(UncommittedFolders.between(newest, 6)).as("no id was reserved since").isNull();
    }

    @Test
    void nothingIsLookedForWhereTheNewestCheckpointHasNoFolderOfItsOwn() throws Exception {
        CompletedCheckpoint savepoint = new CompletedCheckpoint(
                jobId, 5, 1, 2, new HashMap<>(), null,
                CheckpointProperties.forCheckpoint(CheckpointRetentionPolicy.NEVER_RETAIN_AFTER_TERMINATION),
                new TestCompletedCheckpointStorageLocation(
                        new FileStateHandle(new org.apache.flink.core.fs.Path(written(5).toUri()), 1),
                        folder.resolve("savepoint-1").toUri().toString()),
                null);
        assertThat(UncommittedFolders.between(savepoint, 9)).isNull();
    }
}
