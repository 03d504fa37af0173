locals {
  version = trimspace(file("${path.module}/VERSION"))
  assets  = fileset("${path.module}/assets", "*.zip")
}

resource "aws_s3_bucket" "assets" {
  bucket_prefix = "tenure-${var.stage}-assets-"
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "assets" {
  bucket                  = aws_s3_bucket.assets.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# The keys are hashes of what was bundled: a new version of a function is a new object.
resource "aws_s3_object" "asset" {
  for_each    = local.assets
  bucket      = aws_s3_bucket.assets.id
  key         = "tenure-${local.version}/${each.value}"
  source      = "${path.module}/assets/${each.value}"
  source_hash = filemd5("${path.module}/assets/${each.value}")
}

resource "aws_s3_object" "template" {
  bucket       = aws_s3_bucket.assets.id
  key          = "tenure-${local.version}/template-${filemd5("${path.module}/template.json")}.json"
  source       = "${path.module}/template.json"
  content_type = "application/json"
}

resource "aws_cloudformation_stack" "tenure" {
  name         = "tenure-${var.stage}"
  template_url = "https://${aws_s3_bucket.assets.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM"]
  parameters = {
    Stage       = var.stage
    AssetBucket = aws_s3_bucket.assets.id
    AssetPrefix = "tenure-${local.version}/"
  }
  tags       = var.tags
  depends_on = [aws_s3_object.asset]
}
