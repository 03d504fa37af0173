import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;
import software.amazon.dynamodb.services.local.main.ServerRunner;
import software.amazon.dynamodb.services.local.server.DynamoDBProxyServer;

/**
 * Runs DynamoDB Local on the loopback interface. Its own main class listens on every interface, has no option for that,
 * and allows every web page to read and write. Usage: LoopbackServer HOSTS OPTIONS, where HOSTS are the names, besides
 * those of loopback, that a Host header may have (comma-separated, "-" for none). Prints "port N" once it serves.
 */
public final class LoopbackServer {
  public static void main(String[] arguments) throws Exception {
    DynamoDBProxyServer local =
        ServerRunner.createServerFromCommandLineArgs(Arrays.copyOfRange(arguments, 1, arguments.length));
    Field field = DynamoDBProxyServer.class.getDeclaredField("server");
    field.setAccessible(true);
    Server server = (Server) field.get(local);
    ServerConnector connector = (ServerConnector) server.getConnectors()[0];
    connector.setHost("127.0.0.1");
    connector.setPort(0);
    server.setHandler(new Guard(server.getHandler(), Set.of(arguments[0].split(","))));
    local.safeStart();
    System.out.println("port " + connector.getLocalPort());
    local.join();
  }

  /** The rules of request-guard.ts, for the one listener that is not Node's. */
  private static final class Guard extends Handler.Wrapper {
    private static final Pattern PORT = Pattern.compile(":\\d+$");
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]");
    private final Set<String> hosts;

    Guard(Handler handler, Set<String> hosts) {
      super(handler);
      this.hosts = hosts;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
      String refusal = refusal(request);
      if (refusal == null) return super.handle(request, response, callback);
      response.setStatus(refusal.startsWith("Send") ? 400 : 403);
      response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
      String body = "{\"__type\":\"AccessDeniedException\",\"message\":\"" + refusal + "\"}";
      response.write(true, BufferUtil.toBuffer(body, StandardCharsets.UTF_8), callback);
      return true;
    }

    private String refusal(Request request) {
      String host = text(request.getHeaders().get(HttpHeader.HOST));
      String name = PORT.matcher(host.toLowerCase()).replaceFirst("");
      if (!LOOPBACK.contains(name) && !hosts.contains(name)) return "The Host header is not a loopback address";
      String origin = request.getHeaders().get(HttpHeader.ORIGIN);
      String site = text(request.getHeaders().get("Sec-Fetch-Site"));
      if (origin != null && !origin.equals("http://" + host) || site.equals("cross-site") || site.equals("same-site"))
        return "A page of another site may not call this server";
      boolean hasBody = request.getLength() > 0 || request.getHeaders().contains(HttpHeader.TRANSFER_ENCODING);
      String type = text(request.getHeaders().get(HttpHeader.CONTENT_TYPE)).split(";")[0].trim();
      if (hasBody && !type.equals("application/x-amz-json-1.0"))
        return "Send the Content-Type application/x-amz-json-1.0";
      return null;
    }

    private static String text(String value) {
      return value == null ? "" : value;
    }
  }
}
