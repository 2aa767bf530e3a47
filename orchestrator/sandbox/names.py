"""What the parts of the sandbox and their users must agree on."""

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCESS_KEY = "sandbox"  # any value does; this one cannot be taken for a real one

IDENTITY_PATH = "/_envctl/identity"  # cannot be a bucket: their names have no underscore

STATE_BUCKET = "envctl-sandbox-state"
CLUSTER = "shop-prod"  # the cluster that previews are made from
OTHER_CLUSTER = "billing-prod"
INSTANCE = "legacy-prod"
