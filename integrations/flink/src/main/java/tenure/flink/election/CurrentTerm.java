package tenure.flink.election;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;

import javax.annotation.Nullable;

import tenure.flink.client.Fence;

/** The term of this process, shared by the election and the stores. A store keeps to the term it was made in. */
public final class CurrentTerm {

    private final AtomicReference<Term> term = new AtomicReference<>();

    void begin(Term granted) {
        term.set(granted);
    }

    void end(Term ended) {
        ended.end();
        term.compareAndSet(ended, null);
    }

    @Nullable
    public Fence fenceOrNull() {
        Term current = term.get();
        return current == null ? null : current.fence();
    }

    /** @throws IOException when this process does not lead: nothing was written. */
    public Fence fence() throws IOException {
        Fence fence = fenceOrNull();
        if (fence == null) throw new IOException("This process does not lead: nothing was written");
        return fence;
    }
}
