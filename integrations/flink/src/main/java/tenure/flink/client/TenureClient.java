package tenure.flink.client;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.concurrent.ThreadLocalRandom;

import javax.annotation.Nullable;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Requests to one group of Tenure. A request that got no answer is sent again under the same idempotency key, so that
 * it takes effect once; what no retry could settle ends in {@link UnknownOutcomeException}.
 */
public final class TenureClient {

    /** Requests that have the same effect when they are repeated; the service would keep a key of theirs at a price. */
    private static final Pattern NEEDS_NO_KEY =
            Pattern.compile("/leadership/(confirm|renew|addresses/[^/]+)|/recovery|/jobs/[^/]+/uploads(/.*)?");

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long FIRST_PAUSE_MS = 50;
    private static final long LONGEST_PAUSE_MS = 1_000;
    private static final int MOST_TRIES = 200;

    private final HttpClient http;
    private final Settings settings;
    @Nullable private final Signer signer;

    public TenureClient(Settings settings) {
        this.settings = settings;
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(settings.requestTimeout())
                .build();
        this.signer = settings.region()
                .map(region -> new Signer(region, "execute-api", new DefaultCredentials(http)))
                .orElse(null);
    }

    public Settings settings() {
        return settings;
    }

    public static ObjectNode body() {
        return JSON.createObjectNode();
    }

    /** For what may be asked again and again until the budget is used up. */
    public JsonNode get(String path, Duration budget) throws IOException, InterruptedException {
        return call("GET", path, null, null, budget);
    }

    /**
     * Sends the request until it is answered or the budget is used up; a write with a fence belongs to that term. The
     * path begins after {@code /v1/groups/GROUP}.
     */
    public JsonNode call(
            String method, String path, @Nullable JsonNode body, @Nullable Fence fence, Duration budget)
            throws IOException, InterruptedException {
        String key = UUID.randomUUID().toString();
        byte[] content = body == null ? new byte[0] : JSON.writeValueAsBytes(body);
        long until = System.nanoTime() + budget.toNanos();
        IOException last = null;
        for (int tried = 1; tried <= MOST_TRIES; tried += 1) {
            Duration left = Duration.ofNanos(until - System.nanoTime());
            if (tried > 1 && left.toMillis() < 10) break;
            try {
                return answer(method, path, send(method, path, content, fence, key, left));
            } catch (RetryableException e) {
                last = e;
                pause(tried, e.retryAfterMs, until);
            } catch (ProblemException e) {
                throw e;
            } catch (IOException e) {
                last = e;
                pause(tried, 0, until);
            }
        }
        String why = last == null ? "no time was left" : last.toString();
        throw new UnknownOutcomeException(
                method + " " + settings.url() + "/v1/groups/" + settings.group() + path + " was not answered within "
                        + budget.toMillis() + " ms (" + why + ")",
                last);
    }

    private HttpResponse<byte[]> send(
            String method, String path, byte[] content, @Nullable Fence fence, String key, Duration left)
            throws IOException, InterruptedException {
        URI uri = URI.create(settings.url() + "/v1/groups/" + settings.group() + path);
        Duration timeout = left.compareTo(settings.requestTimeout()) < 0 ? left : settings.requestTimeout();
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .timeout(timeout.isNegative() || timeout.isZero() ? Duration.ofMillis(10) : timeout)
                .method(method, content.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(content));
        if (content.length > 0) request.header("Content-Type", "application/json");
        if (!method.equals("GET") && !NEEDS_NO_KEY.matcher(path).matches()) request.header("Idempotency-Key", key);
        if (fence != null) {
            request.header("Fencing-Version", String.valueOf(fence.fencingVersion()));
            request.header("Leader-Session", fence.sessionId().toString());
        }
        if (signer != null) signer.sign(method, uri, content, Instant.now()).forEach(request::header);
        return http.send(request.build(), BodyHandlers.ofByteArray());
    }

    private static JsonNode answer(String method, String path, HttpResponse<byte[]> response) throws IOException {
        int status = response.statusCode();
        JsonNode content = parse(response.body());
        if (status < 300) return content == null ? JSON.createObjectNode() : content;
        String code = content == null ? codeOf(status) : content.path("code").asText(codeOf(status));
        String detail = content == null ? "" : content.path("detail").asText("");
        String message = method + " " + path + " was answered with " + status + " " + code + ": " + detail;
        if (status == 429 || status >= 500)
            throw new RetryableException(message, content == null ? 0 : content.path("retryAfterMs").asLong(0));
        throw new ProblemException(status, code, message, content);
    }

    @Nullable
    private static JsonNode parse(byte[] body) {
        try {
            return body.length == 0 ? null : JSON.readTree(body);
        } catch (IOException e) {
            // A gateway's own page, not an answer of Tenure: the status says what it is.
            return null;
        }
    }

    private static String codeOf(int status) {
        return switch (status) {
            case 403 -> "forbidden";
            case 404 -> "not_found";
            default -> "http_" + status;
        };
    }

    private static void pause(int tried, long askedMs, long until) throws InterruptedException {
        long longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << Math.min(tried - 1, 5));
        long ms = Math.max(askedMs, ThreadLocalRandom.current().nextLong(longest / 2, longest + 1));
        long leftMs = (until - System.nanoTime()) / 1_000_000;
        if (leftMs > 0) Thread.sleep(Math.min(ms, leftMs));
    }

    /** Sends a payload to, or reads it from, a URL that Tenure has signed. */
    public HttpResponse<byte[]> transfer(String method, String url, Map<String, String> headers, byte[] content)
            throws IOException, InterruptedException {
        IOException last = null;
        for (int tried = 1; tried <= 4; tried += 1) {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url))
                    .timeout(Duration.ofMinutes(10))
                    .method(method, content.length == 0 && method.equals("GET")
                            ? BodyPublishers.noBody()
                            : BodyPublishers.ofByteArray(content));
            headers.forEach((name, value) -> {
                if (!isSetByClient(name)) request.header(name, value);
            });
            try {
                HttpResponse<byte[]> response = http.send(request.build(), BodyHandlers.ofByteArray());
                int status = response.statusCode();
                // Written once: a repeated PUT finds what the first one left.
                if (status < 300 || (status == 412 && method.equals("PUT") && tried > 1)) return response;
                String said = new String(response.body(), StandardCharsets.UTF_8);
                last = new IOException(method + " of a payload was answered with " + status + ": "
                        + said.substring(0, Math.min(300, said.length())));
                if (status < 500 && status != 429) throw last;
            } catch (IOException e) {
                if (e == last) throw e;
                last = e;
            }
            Thread.sleep(200L << tried);
        }
        throw last;
    }

    private static boolean isSetByClient(String header) {
        return header.equalsIgnoreCase("content-length") || header.equalsIgnoreCase("host");
    }

    private static final class RetryableException extends IOException {
        private static final long serialVersionUID = 1L;
        private final long retryAfterMs;

        RetryableException(String message, long retryAfterMs) {
            super(message);
            this.retryAfterMs = retryAfterMs;
        }
    }
}
