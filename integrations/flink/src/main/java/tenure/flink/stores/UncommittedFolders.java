package tenure.flink.stores;

import java.io.IOException;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import javax.annotation.Nullable;

import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folders {@code chk-N} that earlier terms of a job began and never committed: a JobManager that is killed between
 * the files of a checkpoint and its reference leaves them. Their ids were reserved after the newest committed one and
 * before the job was claimed, so that nobody can commit them any more. A folder that is older than the newest committed
 * checkpoint is not theirs and stays, for instance a checkpoint that an earlier job of the same id retained.
 */
final class UncommittedFolders {

    private static final Logger LOG = LoggerFactory.getLogger(UncommittedFolders.class);
    private static final Pattern FOLDER = Pattern.compile("chk-(\\d{1,18})");

    private final Path newestFolder;
    private final long newest;
    private final long nextId;
    private final long since;

    private UncommittedFolders(Path newestFolder, long newest, long nextId, long since) {
        this.newestFolder = newestFolder;
        this.newest = newest;
        this.nextId = nextId;
        this.since = since;
    }

    /** Null where there can be none, or where the newest checkpoint lies elsewhere, as a savepoint does. */
    @Nullable
    static UncommittedFolders between(CompletedCheckpoint newest, long nextId) {
        long id = newest.getCheckpointID();
        if (id + 1 >= nextId) return null;
        try {
            Path folder = new Path(newest.getExternalPointer());
            if (!folder.getName().equals("chk-" + id)) return null;
            long since = folder.getFileSystem().getFileStatus(new Path(folder, "_metadata")).getModificationTime();
            return new UncommittedFolders(folder, id, nextId, since);
        } catch (IOException | IllegalArgumentException e) {
            LOG.warn("Checkpoints after {} that were never committed are not looked for.", newest, e);
            return null;
        }
    }

    /** Safe to repeat. A failure leaves files and nothing worse. */
    void delete() {
        try {
            FileSystem files = newestFolder.getFileSystem();
            FileStatus[] folders = files.listStatus(newestFolder.getParent());
            if (folders == null) return;
            for (FileStatus each : folders) {
                if (isUncommitted(files, each.getPath()) && files.delete(each.getPath(), true))
                    LOG.info("Deleted {}, which an earlier term has not committed.", each.getPath());
            }
        } catch (IOException e) {
            LOG.warn("Checkpoints after {} that were never committed may be left.", newestFolder, e);
        }
    }

    private boolean isUncommitted(FileSystem files, Path folder) throws IOException {
        Matcher matcher = FOLDER.matcher(folder.getName());
        if (!matcher.matches()) return false;
        long id = Long.parseLong(matcher.group(1));
        if (id <= newest || id >= nextId) return false;
        FileStatus[] contents = files.listStatus(folder);
        return contents != null && Arrays.stream(contents).allMatch(each -> each.getModificationTime() >= since);
    }
}
