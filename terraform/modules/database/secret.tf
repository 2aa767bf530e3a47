# RDS manages the master password, but refuses read replicas of an instance whose password it manages (Amazon RDS user guide,
# "Limitations for Secrets Manager integration"). Such an instance gets a password and a secret of the same shape from here.
locals {
  own_secret = !local.cluster && var.database.replicas > 0 ? ["master"] : []
}

data "aws_secretsmanager_random_password" "this" {
  for_each = toset(local.own_secret)

  password_length     = 32
  exclude_punctuation = true
}

# The data source answers differently each time: the first answer is the password.
resource "terraform_data" "password" {
  for_each = toset(local.own_secret)

  input = data.aws_secretsmanager_random_password.this[each.key].random_password

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_secretsmanager_secret" "this" {
  for_each = toset(local.own_secret)

  name                    = "${var.name}-db"
  description             = "Master user of the database of ${var.name}."
  recovery_window_in_days = local.temporary.recovery_window_in_days
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each = toset(local.own_secret)

  secret_id = aws_secretsmanager_secret.this[each.key].id

  secret_string = jsonencode({
    username = aws_db_instance.primary[0].username
    password = terraform_data.password[each.key].output
  })
}
