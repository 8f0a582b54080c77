"""A Modbus TCP server on the loopback interface, with the registers of a charger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from .quasar import READABLE, WRITABLE, Quasar, Register

UNIT = 1


@asynccontextmanager
async def serving(quasar: Quasar, port: int) -> AsyncIterator[ModbusTcpServer]:
    """Serve a charger; leaving closes the socket and every link."""

    async def access(
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if values is None:
            for at in range(address, address + count):
                if at in READABLE:
                    registers[at - start_address] = quasar.read(READABLE[at])
            return None
        for at, word in enumerate(values, start=address):
            register = READABLE.get(at)
            if register not in WRITABLE:
                return ExcCodes.ILLEGAL_ADDRESS
            quasar.write(register, int(word))
        return None

    blocks = [
        SimData(register.value, values=0, datatype=DataType.REGISTERS)
        for register in sorted(Register)
    ]
    device = SimDevice(UNIT, simdata=blocks, action=access)
    server = ModbusTcpServer(device, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield server
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # the library's
