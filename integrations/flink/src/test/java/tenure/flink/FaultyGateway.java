package tenure.flink;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Function;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

/** Stands between a client and the service, and does to requests what networks do. */
public final class FaultyGateway implements AutoCloseable {

    public enum Fault {
        /** The request takes effect and its answer never comes. */
        ANSWER_LOST,
        /** The request never arrives. */
        REQUEST_LOST
    }

    private static final Set<String> HOP = Set.of("connection", "content-length", "host", "transfer-encoding", "upgrade");

    private final HttpServer server;
    private final HttpClient http = HttpClient.newHttpClient();
    private final String target;
    private final List<String> seen = new CopyOnWriteArrayList<>();
    private volatile Function<String, Fault> plan = request -> null;

    public FaultyGateway(String target) throws IOException {
        this.target = target;
        this.server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", this::carry);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "gateway");
            thread.setDaemon(true);
            return thread;
        }));
        server.start();
    }

    public String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** The fault for a request like {@code POST /v1/…}, or null. */
    public void plan(Function<String, Fault> faults) {
        plan = faults;
    }

    /** The requests that came in, as METHOD PATH. */
    public List<String> seen() {
        return seen;
    }

    private void carry(HttpExchange exchange) {
        try (exchange) {
            String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
            seen.add(request);
            Fault fault = plan.apply(request);
            byte[] body = exchange.getRequestBody().readAllBytes();
            if (fault == Fault.REQUEST_LOST) return;
            HttpResponse<byte[]> answer = forward(exchange, body);
            if (fault == Fault.ANSWER_LOST) return;
            answer.headers().firstValue("content-type")
                    .ifPresent(type -> exchange.getResponseHeaders().set("content-type", type));
            exchange.sendResponseHeaders(answer.statusCode(), answer.body().length == 0 ? -1 : answer.body().length);
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(answer.body());
            }
        } catch (IOException e) {
            // The other side has gone; the client sees no answer.
            exchange.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private HttpResponse<byte[]> forward(HttpExchange exchange, byte[] body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(target + exchange.getRequestURI()))
                .method(exchange.getRequestMethod(),
                        body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (!HOP.contains(name.toLowerCase())) values.forEach(value -> request.header(name, value));
        });
        return http.send(request.build(), BodyHandlers.ofByteArray());
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
