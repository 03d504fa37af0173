package tenure.flink.stores;

import java.io.IOException;
import java.io.Serializable;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.util.InstantiationUtil;
import tenure.flink.client.Fence;
import tenure.flink.client.Signer;
import tenure.flink.client.TenureClient;

/**
 * Graphs and checkpoints as bytes in S3, written before anything refers to them: small ones within the request that
 * makes the reference, others through URLs that Tenure signs, from 64 MiB on in parts.
 */
final class Payloads {

    static final int MOST_INLINE = 64 * 1024;
    private static final int MOST_IN_ONE_PUT = 64 * 1024 * 1024;

    private final TenureClient client;
    private final Duration budget;

    Payloads(TenureClient client) {
        this.client = client;
        this.budget = client.settings().lease();
    }

    static byte[] serialize(Serializable state) throws IOException {
        return InstantiationUtil.serializeObject(state);
    }

    static String sha256(byte[] content) {
        return Signer.hex(Signer.sha256(content));
    }

    /** The payload of a submission or a commit: the bytes themselves, or an upload that has taken place. */
    ObjectNode reference(String jobId, String purpose, byte[] content, Fence fence)
            throws IOException, InterruptedException {
        if (content.length <= MOST_INLINE)
            return TenureClient.body().put("inline", Base64.getEncoder().encodeToString(content));
        String uploads = "/jobs/" + jobId + "/uploads";
        ObjectNode asked = TenureClient.body().put("purpose", purpose);
        if (content.length <= MOST_IN_ONE_PUT) asked.put("bytes", content.length).put("sha256", sha256(content));
        JsonNode begun = client.call("POST", uploads, asked, fence, budget);
        String uploadId = begun.path("uploadId").asText();
        ObjectNode reference = TenureClient.body().put("uploadId", uploadId);
        if (begun.path("method").asText().equals("put")) {
            client.transfer("PUT", begun.path("url").asText(), headers(begun), content);
            return reference;
        }
        ArrayNode parts = reference.putArray("parts");
        int partBytes = begun.path("partBytes").asInt();
        for (int from = 0, number = 1; from < content.length; from += partBytes, number += 1) {
            byte[] part = Arrays.copyOfRange(content, from, Math.min(content.length, from + partBytes));
            parts.add(uploadPart(uploads + "/" + uploadId, number, part, fence));
        }
        return reference.put("sha256", sha256(content));
    }

    private ObjectNode uploadPart(String upload, int number, byte[] part, Fence fence)
            throws IOException, InterruptedException {
        ObjectNode asked = TenureClient.body();
        asked.putArray("parts").addObject()
                .put("partNumber", number).put("bytes", part.length).put("sha256", sha256(part));
        JsonNode signed = client.call("POST", upload + "/parts", asked, fence, budget).path("urls").path(0);
        HttpResponse<byte[]> written = client.transfer("PUT", signed.path("url").asText(), headers(signed), part);
        String etag = written.headers().firstValue("etag")
                .orElseThrow(() -> new IOException("S3 returned no ETag for part " + number));
        return TenureClient.body().put("partNumber", number).put("etag", etag).put("sha256", sha256(part));
    }

    private static Map<String, String> headers(JsonNode signed) {
        Map<String, String> headers = new HashMap<>();
        signed.path("headers").fields().forEachRemaining(each -> headers.put(each.getKey(), each.getValue().asText()));
        return headers;
    }

    /** Reads a payload as Tenure describes it, and compares its digest. */
    byte[] read(JsonNode described) throws IOException, InterruptedException {
        byte[] content = client.transfer("GET", described.path("url").asText(), Map.of(), new byte[0]).body();
        String expected = described.path("sha256").asText();
        if (expected.equals(sha256(content))) return content;
        throw new IOException("A payload of " + content.length + " bytes is damaged: its SHA-256 is not " + expected);
    }
}
