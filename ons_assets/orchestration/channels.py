"""Ways to tell somebody: a program, an address on the web, a mail. Each takes the same message."""

import json
import os
import smtplib
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from email.message import EmailMessage

from ons_assets.settings import Alerts, Mail

TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Message:
    """What somebody is told; nothing in it is of an individual source but numbers.

    Parameters
    ----------
    home
        Folder of the home that it is about.
    subject
        In one line.
    lines
        A sentence on each thing that happened.
    report
        Where the report stands.
    """

    home: str
    subject: str
    lines: tuple[str, ...]
    report: str

    def as_json(self) -> bytes:
        """Return the message as a JSON document; its key `text` is what chat programs show."""
        return json.dumps({**asdict(self), "text": self.as_text()}).encode()

    def as_text(self) -> str:
        """Return the message as plain text."""
        return "\n".join([self.subject, "", *(f"- {line}" for line in self.lines), "", f"Report: {self.report}"])


class NotSent(Exception):
    """A message could not be sent; the sentence holds no secret."""


Channel = Callable[[Message], None]


def channels_of(alerts: Alerts, environment: Mapping[str, str] = os.environ) -> dict[str, Channel]:
    """Return the ways that the settings name; each raises `NotSent`.

    Parameters
    ----------
    environment
        That holds what is secret.
    """
    found: dict[str, Channel] = {}
    if alerts.command:
        found["command"] = lambda message: run(alerts.command, message)
    if (variable := alerts.webhook_variable) is not None:
        found["webhook"] = lambda message: post(_secret(environment, variable), message)
    if (mail := alerts.mail) is not None:
        found["mail"] = lambda message: send(mail, _password(environment, mail), message)
    return found


def run(command: tuple[str, ...], message: Message) -> None:
    """Start a program that reads the message as JSON.

    Raises
    ------
    NotSent
        If it cannot be started, does not end, or fails.
    """
    try:
        done = subprocess.run(
            command, input=message.as_json(), timeout=TIMEOUT_SECONDS, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotSent(f"the command of alerts did not end within {TIMEOUT_SECONDS} seconds") from None
    except OSError as error:
        raise NotSent(f"the command of alerts could not be run: {type(error).__name__}") from None
    if done.returncode:
        raise NotSent(f"the command of alerts ended with {done.returncode}")


def post(address: str, message: Message) -> None:
    """Post the message as JSON.

    Raises
    ------
    NotSent
        If the address is none of the web, or does not take it.
    """
    if not address.startswith(("http://", "https://")):
        raise NotSent("the webhook of alerts is no address that begins with http:// or https://")
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, data=message.as_json(), headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
            pass
    except urllib.error.HTTPError as error:
        raise NotSent(f"the webhook of alerts answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise NotSent(f"the webhook of alerts could not be reached: {type(error).__name__}") from None


def send(mail: Mail, password: str | None, message: Message) -> None:
    """Send the message as a mail.

    Parameters
    ----------
    mail, password
        The server and who is written to, and what one logs in with; None if nobody has to.
    message
        That is sent.

    Raises
    ------
    NotSent
        If the server cannot be reached, or does not take it.
    """
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = message.subject, mail.sender, ", ".join(mail.recipients)
    letter.set_content(message.as_text())
    try:
        with smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_SECONDS) as server:
            if mail.starttls:
                server.starttls(context=ssl.create_default_context())
            if mail.user is not None:
                server.login(mail.user, password or "")
            server.send_message(letter)
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"the mail of alerts could not be sent: {type(error).__name__}") from None


def _secret(environment: Mapping[str, str], variable: str) -> str:
    value = environment.get(variable)
    if not value:
        raise NotSent(f"the environment variable {variable}, which alerts need, is not set")
    return value


def _password(environment: Mapping[str, str], mail: Mail) -> str | None:
    return None if mail.password_variable is None else _secret(environment, mail.password_variable)
