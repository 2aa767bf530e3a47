"""The code that was applied: kept beside the state, and used to destroy when the checkout has moved on."""

from __future__ import annotations

import shutil
from dataclasses import replace

from orchestrator import bundle
from orchestrator.errors import EnvctlError
from orchestrator.events import Notice
from orchestrator.lifecycle.context import Context
from orchestrator.manifest import Manifest, StoredCode


def keep(context: Context, record: Manifest) -> Manifest:
    """Store what is about to be applied, unless it is there; return the record that names it."""
    tfvars = context.workspace.read(context.workspace.tfvars) or ""
    packed = bundle.pack(context.engine.root, tfvars)
    if record.code is not None and record.code.sha256 == packed.sha256:
        return record
    version = context.store.keep_bundle(context.environment, packed.data)
    return replace(record, code=StoredCode(packed.sha256, packed.code, packed.root, version))


def applied(context: Context, record: Manifest | None) -> Context:
    """Return `context` with the code that was applied: the checkout's where it is the same, else the stored one."""
    if record is None or record.code is None:
        return context
    if bundle.digest(bundle.code_files(context.engine.root)) == record.code.code:
        return context
    data = context.store.bundle(context.environment, record.code.version) or b""
    context.engine.keep_unsaved_state()  # a run that was killed may have left one there
    try:
        shutil.rmtree(context.workspace.bundle, ignore_errors=True)
        root, tfvars = bundle.unpack(data, record.code.sha256, record.code.root, context.workspace.bundle)
    except EnvctlError as error:
        context.emit(Notice(f"{error.message} The checkout's code is used."))
        return context
    context.workspace.write(context.workspace.tfvars, tfvars)
    context.emit(Notice("The checkout's code is not what was applied: the stored code is used."))
    return replace(context, engine=context.engine.at(root))
