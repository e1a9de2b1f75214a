"""Makes instances, and who may ask for them, in a moto server; says what to ask with.

    world.py http://127.0.0.1:5000 checks|believes

From then on the server checks signatures and policies, or believes everybody.
"""

import json
import sys
import urllib.request

import boto3

endpoint = sys.argv[1]
REGION = "eu-central-1"


def client(service):
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="setup",
        aws_secret_access_key="setup",
    )


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions):
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


ec2, iam = client("ec2"), client("iam")

vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
zones = ["a", "b"]
subnets = [
    ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=REGION + zone)["Subnet"]["SubnetId"]
    for index, zone in enumerate(zones)
]
image = ec2.describe_images()["Images"][0]["ImageId"]
for index in range(7):
    ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        SubnetId=subnets[index % 2],
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [
                    {"Key": "Name", "Value": f"service & {index}"},
                    {"Key": "team/owner", "Value": "shop" if index < 4 else "ledger"},
                ],
            }
        ],
    )
all_instances = [
    instance["InstanceId"]
    for reservation in ec2.describe_instances()["Reservations"]
    for instance in reservation["Instances"]
]
ec2.stop_instances(InstanceIds=all_instances[:1])
ec2.terminate_instances(InstanceIds=all_instances[-1:])

trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
role = iam.create_role(RoleName="discovery", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
iam.put_role_policy(RoleName="discovery", PolicyName="ec2", PolicyDocument=policy(allow("ec2:Describe*")))


def user(name, *actions):
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(allow(*actions)))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


print(
    json.dumps(
        {
            "region": REGION,
            "reader": user("reader", "ec2:Describe*"),
            "assumer": user("assumer", "sts:AssumeRole"),
            "role": role,
        }
    )
)
if sys.argv[2] == "checks":
    request = urllib.request.Request(
        f"{endpoint}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request, timeout=10).read()
