// A rank that says that it is another version of the program, and ends with the code it is
// told.
#include <cstdio>

#include "comm/mpi/mpi_session.hpp"
#include "runtime/messages/wire.hpp"

int main() {
    using namespace headroom;
    constexpr comm::WaitReason kWaitReason{"the answer to another program", -1, -1, -1};
    comm::MpiSession session;
    const auto transport = comm::make_mpi_transport(session);
    transport->send(
        DeviceId(0),
        comm::Tag::setup,
        runtime::ByteWriter().put_text("headroom 0.0.1 (other)").put_text("elsewhere").take(),
        kWaitReason
    );
    const auto bytes = transport->receive_any_size(DeviceId(0), comm::Tag::setup, kWaitReason);
    const int code = runtime::ByteReader(bytes).get<int>();
    session.finish();
    return code;
}
