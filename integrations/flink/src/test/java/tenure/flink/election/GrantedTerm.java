package tenure.flink.election;

import java.time.Duration;

import tenure.flink.client.Fence;

/** Makes a term known that no driver has contended for. */
public final class GrantedTerm {

    private GrantedTerm() {}

    public static void begin(CurrentTerm current, Fence fence) {
        current.begin(new Term(fence, System.nanoTime(), System.currentTimeMillis(), Duration.ofMinutes(10)));
    }
}
