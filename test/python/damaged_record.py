"""
Leads a group of a table, publishes a named address, loses the holder in its record, and renews: python3
damaged_record.py TABLE GROUP. Prints the fencing version.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../examples/python"))
import tenure_lease as lease

table, group = lease.Table(sys.argv[1]), sys.argv[2]
contender = lease.Contender(table, group, "in-python", lease_ms=60_000, address="host:1")
term, _ = contender.contend()
contender.confirm(term)
contender.publish(term, "ui", "host:1/ui")
contender.publish(term, "rpc", "host:1/rpc")
contender.withdraw(term, "ui")
record = lease.key(group, "LEADERSHIP")
table.write(lease.update(record, lease.remove("holder")))
contender.renew(term)
print(term.fencing_version)
