"""What can go wrong, each with one sentence for an operator.

AggregatorError
    DataDirectoryError       the data directory is missing, damaged or in use
    IdentityError            a region or home name that the contract does not allow
    CertificateRefusedError  a signing request that does not fit its invitation
    InvitationRefusedError   an unknown, used or expired invitation code
    UnknownHomeError         no home of that name
    BadRequestError          an HTTP request that says something impossible
    HomeAwayError            the home cannot take a command now
    NotConnectedError        the broker is away, nothing was sent
    ContractError            a message that breaks the contract
"""


class AggregatorError(Exception):
    """Carry one sentence that says what is wrong and what to do."""


class DataDirectoryError(AggregatorError):
    """Raise when the data directory cannot be used."""


class IdentityError(AggregatorError):
    """Raise for a region or home name outside the contract's alphabet."""


class CertificateRefusedError(AggregatorError):
    """Raise for a signing request that is broken or names another home."""


class InvitationRefusedError(AggregatorError):
    """Raise for a code that is unknown, used or expired."""


class UnknownHomeError(AggregatorError):
    """Raise when no home of that name was ever invited."""


class BadRequestError(AggregatorError):
    """Raise when a request says something impossible."""


class HomeAwayError(AggregatorError):
    """Raise when a home is offline or not enrolled: a command would be lost."""


class NotConnectedError(AggregatorError):
    """Raise when a message cannot be sent because the broker is away."""


class ContractError(AggregatorError):
    """Raise for a message that is not one of the contract."""
