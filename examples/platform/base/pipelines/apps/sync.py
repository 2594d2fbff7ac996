"""Answers Metacontroller with what a Profile's namespace gets for pipelines."""

import base64
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = os.environ["KFP_VERSION"]
PIPELINE_ROOT = os.environ.get("DEFAULT_PIPELINE_ROOT", "")


def encode(text):
    return base64.b64encode(text.encode()).decode()


def metadata(name, namespace):
    return {"name": name, "namespace": namespace}


def artifact_proxy(namespace):
    """The server from which the UI reads this namespace's artifacts."""
    name = "ml-pipeline-ui-artifact"
    labels = {"app": name}
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, namespace),
        "spec": {
            "selector": labels,
            "ports": [{"name": "http", "port": 80, "targetPort": 3000}],
        },
    }
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name, namespace),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": "default-editor",
                    "containers": [{
                        "name": name,
                        "image": f"ghcr.io/kubeflow/kfp-frontend:{VERSION}",
                        "env": [
                            {"name": "MINIO_NAMESPACE", "value": "kubeflow"},
                            secret_env("MINIO_ACCESS_KEY", "accesskey"),
                            secret_env("MINIO_SECRET_KEY", "secretkey"),
                        ],
                        "ports": [{"containerPort": 3000}],
                        # The namespace may have a quota.
                        "resources": {
                            "requests": {"cpu": "10m", "memory": "70Mi"},
                            "limits": {"cpu": "100m", "memory": "500Mi"},
                        },
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "capabilities": {"drop": ["ALL"]},
                            "runAsNonRoot": True,
                            "runAsUser": 1000,
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                    }],
                },
            },
        },
    }


def secret_env(name, key):
    return {
        "name": name,
        "valueFrom": {
            "secretKeyRef": {"name": "mlpipeline-minio-artifact", "key": key}
        },
    }


def attachments(namespace):
    yield {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata("mlpipeline-minio-artifact", namespace),
        "data": {
            "accesskey": encode(os.environ["MINIO_ACCESS_KEY"]),
            "secretkey": encode(os.environ["MINIO_SECRET_KEY"]),
        },
    }
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata("kfp-launcher", namespace),
        "data": {"defaultPipelineRoot": PIPELINE_ROOT},
    }
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata("metadata-grpc-configmap", namespace),
        "data": {
            "METADATA_GRPC_SERVICE_HOST": "metadata-grpc-service.kubeflow",
            "METADATA_GRPC_SERVICE_PORT": "8080",
        },
    }
    yield from artifact_proxy(namespace)


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        namespace = json.loads(body)["object"]["metadata"]["name"]
        answer = json.dumps({"attachments": list(attachments(namespace))})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer.encode())


ThreadingHTTPServer(("", 8080), Hook).serve_forever()
