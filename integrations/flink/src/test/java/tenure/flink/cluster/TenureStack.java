package tenure.flink.cluster;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

import org.apache.flink.configuration.Configuration;
import tenure.flink.TestService;
import tenure.flink.client.TenureClient;

/** The embedded stack with a folder of its own, as {@code npm start} runs it. */
final class TenureStack implements Coordinator {

    static final Path PROJECT = Path.of("").toAbsolutePath().resolve("../..").normalize();
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Pattern READY = Pattern.compile("ready on (http://127\\.0\\.0\\.1:\\d+)");

    final String group = TestService.newGroup();
    private final Path folder;
    private FlinkProcess process;
    private String url;
    private int starts;

    TenureStack(Path folder) throws Exception {
        this.folder = folder;
        start("0");
    }

    private void start(String port) throws Exception {
        starts += 1;
        process = FlinkProcess.command("tenure-" + starts, folder, List.of(
                "node", PROJECT.resolve("emulator/start.mjs").toString(), "--no-schedules", "--port", port,
                "--data", folder.resolve("tenure").toString()));
        url = process.awaitLine(READY, PATIENCE);
    }

    @Override
    public Kind kind() {
        return Kind.TENURE;
    }

    TenureClient client() {
        return TestService.client(url, group, FlinkCluster.LEASE);
    }

    @Override
    public void configure(Configuration configuration) {
        configuration.addAll(TestService.configuration(url, group, FlinkCluster.LEASE));
    }

    @Override
    public FlinkProcess process() {
        return process;
    }

    @Override
    public void restart() throws Exception {
        process.end();
        start(url.substring(url.lastIndexOf(':') + 1));
    }

    @Override
    public void close() throws Exception {
        process.signal("CONT");
        process.end();
    }
}
