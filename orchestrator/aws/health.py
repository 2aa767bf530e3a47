"""What the load balancer and the site behind it say."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.aws.session import Session, translated


def targets(session: Session, target_group: str) -> dict[str, str]:
    """Return each target's state, with the load balancer's reason when it is not healthy."""
    with translated("asking the load balancer for its targets' health"):
        answer = session.client("elbv2").describe_target_health(TargetGroupArn=target_group)
    found = {}
    for item in answer["TargetHealthDescriptions"]:
        health = item["TargetHealth"]
        reason = health.get("Description") or health.get("Reason")
        found[item["Target"]["Id"]] = health["State"] + (f" ({reason})" if reason else "")
    return found


def answer(url: str, timeout_s: float = 10) -> str:
    """Return the site's HTTP status as text, or why there is none."""
    # Only a site is asked over HTTP: everyone else is spared the import.
    import http.client
    import ssl
    import urllib.error
    import urllib.request

    if not url.startswith(("http://", "https://")):
        return "not an http(s) URL"
    # A certificate is for the site's own name and never for the load balancer's. Nothing is sent, and of the
    # answer only its status is read.
    unchecked = ssl._create_unverified_context()  # noqa: S323
    request = urllib.request.Request(url, headers={"User-Agent": "envctl"})  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=timeout_s, context=unchecked) as response:  # noqa: S310 - checked above
            return str(response.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {getattr(error, 'reason', None) or error}"


@dataclass(frozen=True)
class Refresh:
    """An instance refresh that has not succeeded: under way, or over."""

    over: bool
    text: str


def refresh(session: Session, group: str) -> Refresh | None:
    """Return the newest instance refresh of an auto scaling group, or None when all instances are as they should be."""
    with translated("asking the auto scaling group whether its instances are being replaced"):
        answer = session.client("autoscaling").describe_instance_refreshes(AutoScalingGroupName=group, MaxRecords=1)
    for found in answer["InstanceRefreshes"][:1]:
        status = found["Status"]
        if status in ("Pending", "InProgress", "Baking", "Cancelling", "RollbackInProgress"):
            return Refresh(False, f"{found.get('PercentageComplete', 0)} %")
        if status != "Successful":  # Failed, Cancelled, RollbackFailed, RollbackSuccessful: old instances serve on
            return Refresh(True, f"{status}: {found.get('StatusReason', 'no reason given').rstrip('.')}")
    return None
