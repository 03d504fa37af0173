package tenure.flink.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A process of the cluster: a JobManager, a TaskManager, or the service beside them. */
final class FlinkProcess {

    private static final List<String> OPENED = List.of(
            "java.base/java.lang", "java.base/java.net", "java.base/java.io", "java.base/java.nio",
            "java.base/sun.nio.ch", "java.base/java.lang.reflect", "java.base/java.text", "java.base/java.time",
            "java.base/java.util", "java.base/java.util.concurrent", "java.base/java.util.concurrent.atomic",
            "java.base/java.util.concurrent.locks");

    final String name;
    private final Path log;
    private final Process process;

    private FlinkProcess(String name, Path log, Process process) {
        this.name = name;
        this.log = log;
        this.process = process;
    }

    static FlinkProcess java(String name, Path folder, String mainClass, String heap, String... options)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dlog4j2.configurationFile=" + FlinkProcess.class.getResource("/cluster-log4j2.properties")));
        OPENED.forEach(each -> command.add("--add-opens=" + each + "=ALL-UNNAMED"));
        command.addAll(List.of(
                "-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                mainClass));
        command.addAll(List.of(options));
        return command(name, folder, command);
    }

    static FlinkProcess command(String name, Path folder, List<String> command) throws IOException {
        Path log = folder.resolve(name + ".log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        return new FlinkProcess(name, log, process);
    }

    /** The first group of the pattern, once a line of the log has it. */
    String awaitLine(Pattern pattern, Duration patience) throws Exception {
        AtomicReference<String> found = new AtomicReference<>();
        FlinkCluster.await(patience, name + " prints " + pattern, () -> {
            Matcher matcher = pattern.matcher(Files.readString(log));
            if (matcher.find()) found.set(matcher.group(1));
            return found.get() != null;
        }, this::tail);
        return found.get();
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    void signal(String signal) throws IOException, InterruptedException {
        if (!isAlive()) return;
        new ProcessBuilder("kill", "-" + signal, String.valueOf(pid())).inheritIO().start().waitFor();
    }

    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor(30, TimeUnit.SECONDS);
    }

    /** In order; by force what has not ended after half a minute. */
    void end() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(30, TimeUnit.SECONDS)) kill();
    }

    String tail() {
        try {
            List<String> lines = Files.readAllLines(log);
            return name + ":\n" + String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
        } catch (IOException e) {
            return name + " left no log: " + e;
        }
    }
}
