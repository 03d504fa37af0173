// Contenders with cirello.io/dynamolock, in its default settings except for the lease, by order of the bench: a line
// "acquire NAME KEY ENDPOINT", "observe NAME KEY" or "release NAME"; each is confirmed by a line of the same beginning.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"cirello.io/dynamolock/v2"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

type contender struct {
	client *dynamolock.Client
	lock   *dynamolock.Lock
}

var contenders sync.Map

func main() {
	table := os.Args[1]
	lease, beat := milliseconds(os.Args[2]), milliseconds(os.Args[3])
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		go obey(strings.Fields(lines.Text()), table, lease, beat)
	}
}

func obey(order []string, table string, lease, beat time.Duration) {
	name := order[1]
	var err error
	switch order[0] {
	case "acquire":
		err = acquire(name, order[2], order[3], table, lease, beat)
	case "observe":
		_, err = found(name).client.Get(order[2])
	case "release":
		_, err = found(name).client.ReleaseLock(found(name).lock)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, name, err)
		return
	}
	fmt.Println(order[0], name)
}

func acquire(name, key, endpoint, table string, lease, beat time.Duration) error {
	local := dynamodb.New(dynamodb.Options{
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		EndpointResolver: dynamodb.EndpointResolverFromURL(endpoint),
	})
	client, err := dynamolock.New(local, table,
		dynamolock.WithPartitionKeyName("id"),
		dynamolock.WithOwnerName(name),
		dynamolock.WithLeaseDuration(lease),
		dynamolock.WithHeartbeatPeriod(beat))
	if err != nil {
		return err
	}
	lock, err := client.AcquireLock(key, dynamolock.WithAdditionalTimeToWaitForLock(time.Hour))
	contenders.Store(name, contender{client, lock})
	return err
}

func found(name string) contender {
	one, _ := contenders.Load(name)
	return one.(contender)
}

func milliseconds(text string) time.Duration {
	ms, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return time.Duration(ms) * time.Millisecond
}
