"""
Checks examples/python/tenure_lease.py against test/vectors/leadership.json: its writes, the requests they become, what
the caller gets and, with a table, what DynamoDB makes of them. python3 check_vectors.py VECTORS TABLE
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../examples/python"))
import tenure_lease as lease

with open(sys.argv[1], encoding="utf-8") as file:
    vectors = json.load(file)
table = lease.Table(sys.argv[2])
group, skew = vectors["group"], vectors["maxClockSkewMs"]


def writes_of(case):
    request, now, kind = case["request"], case["now"], case["request"]["kind"]
    if kind == "contend":
        return [lease.grant_lease(group, request, now, skew)]
    if kind == "create":
        return lease.create_record(group, request["fencingVersion"], request, now, request.get("recreation"))
    if kind == "confirm":
        seen = {**case["before"][0], "group": group}
        return lease.confirm_term(seen, request["fence"], request["published"], now)
    if kind == "renew":
        return [lease.renew_lease(group, request["fence"], request["renewal"], now)]
    if kind == "restore":
        return [lease.restore_holder(group, request["term"], request["renewal"], now)]
    if kind in ("publish", "withdraw"):
        record, item = case["before"]
        published = dict(lease.addresses_in(item, record))
        if kind == "publish":
            published[request["name"]] = request["address"]
        else:
            published.pop(request["name"], None)
        return lease.write_addresses(group, request["fence"], record.get("addressChanges"), published, now)
    if kind == "resign":
        return [lease.resign_term(group, request["fence"], request.get("successor"), request["stayOut"],
                                  request["requestId"], now)]
    if kind == "hand over":
        return [lease.ask_hand_over(group, request["fencingVersion"], request.get("successor", ""))]
    if kind == "revoke":
        return [lease.revoke_term(group, request["fencingVersion"], request["reason"], request["force"],
                                  request["requestId"], now)]
    return None  # the sweep is the service's


def same(what, case, is_, should):
    if is_ != should:
        sys.exit(f"{case['step']} at {case['now']}: {what}\n  is     {json.dumps(is_)}\n  should {json.dumps(should)}")


def check_result(case):
    """The refusals, which each implementation words for itself; grants and renewals show in the items."""
    record, request, result = case["before"][0], case["request"], case["result"]
    if case["outcome"]["kind"] == "written" or not result or not record:
        return
    if result.get("problem") == "leadership_held":
        waits = lease.wait_ms(record, request["instanceId"], case["now"], skew)
        same("ms to wait", case, waits, result["retryAfterMs"])
    if result.get("problem") == "leadership_lost" and "fence" in request:
        same("reason", case, lease.reason_of_loss(record, request["fence"]), result["reason"])


def check_on_dynamodb(case, writes):
    """The items of before, the step, and the items of after."""
    for write, before in zip(writes, case["before"]):
        at = table.pack(write["key"])
        if before is None:
            table.client.delete_item(TableName=table.name, Key=at)
        else:
            table.client.put_item(TableName=table.name, Item=table.pack(before))
    won, _ = table.write(*writes)
    same("decision", case, "written" if won else "refused", case["outcome"]["kind"])
    for write, after in zip(writes, case["outcome"].get("after", case["before"])):
        same("item after", case, table.read(write["key"]), after)


checked = 0
for case in vectors["cases"]:
    writes = writes_of(case)
    if writes is None:
        continue
    same("writes", case, writes, case["writes"])
    same("requests", case, [lease.rendered(vectors["table"], write) for write in writes], case["sent"])
    check_result(case)
    check_on_dynamodb(case, writes)
    checked += 1
print(f"{checked} cases")
