"""Production's side: a Lambda function that keeps one parameter naming the newest usable snapshot."""
