// A rank that says that it is another version of the program, and ends with the code it is
// told.
#include <cstdio>

#include "base/wire.hpp"
#include "comm/mpi/mpi_session.hpp"

int main() {
    using namespace headroom;
    constexpr comm::WaitReason kWaitReason{"the answer to another program", -1, -1, -1};
    comm::MpiSession session;
    const auto transport = comm::make_mpi_transport(session);
    transport->send(
        DeviceId(0),
        comm::Tag::setup,
        pack(std::pair<std::string, std::string>("headroom 0.0.1 (other)", "elsewhere")),
        kWaitReason
    );
    const auto bytes = transport->receive_any_size(DeviceId(0), comm::Tag::setup, kWaitReason);
    const int code = unpack_front<int>(bytes);
    session.finish();
    return code;
}
