import com.amazonaws.services.dynamodbv2.AcquireLockOptions;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDBLockClient;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDBLockClientOptions;
import com.amazonaws.services.dynamodbv2.LockItem;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.Scanner;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

/**
 * Contenders with com.amazonaws:dynamodb-lock-client, in its default settings except for the lease, by order of the
 * bench: a line "acquire NAME KEY ENDPOINT", "observe NAME KEY" or "release NAME"; each is confirmed by a line of the
 * same beginning.
 */
public class Contenders {
  private static final Map<String, AmazonDynamoDBLockClient> clients = new ConcurrentHashMap<>();
  private static final Map<String, LockItem> locks = new ConcurrentHashMap<>();
  private static String table;
  private static long leaseMs;
  private static long beatMs;

  public static void main(String[] args) {
    table = args[0];
    leaseMs = Long.parseLong(args[1]);
    beatMs = Long.parseLong(args[2]);
    Scanner lines = new Scanner(System.in);
    while (lines.hasNextLine()) {
      String[] order = lines.nextLine().split(" ");
      new Thread(() -> obey(order)).start();
    }
    System.exit(0);
  }

  private static void obey(String[] order) {
    String name = order[1];
    try {
      switch (order[0]) {
        case "acquire" -> acquire(name, order[2], order[3]);
        case "observe" -> clients.get(name).getLock(order[2], Optional.empty());
        default -> clients.get(name).releaseLock(locks.get(name));
      }
      System.out.println(order[0] + " " + name);
    } catch (Exception error) {
      System.err.println(name + " " + error);
    }
  }

  private static void acquire(String name, String key, String endpoint) throws InterruptedException {
    DynamoDbClient local = DynamoDbClient.builder()
        .endpointOverride(URI.create(endpoint))
        .region(Region.US_EAST_1)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
        .build();
    AmazonDynamoDBLockClient client = new AmazonDynamoDBLockClient(
        AmazonDynamoDBLockClientOptions.builder(local, table)
            .withPartitionKeyName("id")
            .withOwnerName(name)
            .withLeaseDuration(leaseMs)
            .withHeartbeatPeriod(beatMs)
            .withTimeUnit(TimeUnit.MILLISECONDS)
            .withCreateHeartbeatBackgroundThread(true)
            .build());
    clients.put(name, client);
    AcquireLockOptions patient = AcquireLockOptions.builder(key)
        .withAdditionalTimeToWaitForLock(TimeUnit.HOURS.toMillis(1))
        .withTimeUnit(TimeUnit.MILLISECONDS)
        .build();
    locks.put(name, client.acquireLock(patient));
  }
}
