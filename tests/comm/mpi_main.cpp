// The conformance suite over MPI, one program run by mpirun with any number of ranks. All ranks end
// with the worst result of any. Options for tests of this program itself: --reorder runs it over a
// transport that is wrong, --abort CODE aborts from the last rank while the others wait, --throw
// CODE lets the last rank end by an error that unwinds the session, --silence HOW see mpi_silence.
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "broken_transports.hpp"
#include "comm/mpi/mpi_session.hpp"
#include "conformance.hpp"
#include "mpi_silence.hpp"

namespace {

using namespace headroom;
using namespace headroom::comm;

/// 0 if the case holds on this rank.
int run_case(const ConformanceCase& one, Transport& transport) {
    try {
        transport.barrier({.what = one.name});
        one.run(transport);
        return 0;
    } catch (const std::exception& error) {
        // PASS_REGULAR_EXPRESSION and people read this line.
        std::fprintf(
            stderr,
            "%.*s failed: %s\n",
            static_cast<int>(one.name.size()),
            one.name.data(),
            error.what()
        );
        return 1;
    }
}

int run_all(MpiSession& session, Transport& transport) {
    for (const ConformanceCase& one : conformance_cases()) {
        const int result = session.max_over_ranks(run_case(one, transport));
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/// The last rank fails as asked; the others wait for it in vain.
void fail_on_last_rank(MpiSession& session, Transport& transport, bool by_throwing, int code) {
    if (session.rank() == session.size() - 1) {
        if (by_throwing) {
            throw Error(static_cast<ExitCode>(code), "thrown on purpose");
        }
        session.abort(code);
    }
    transport.barrier({.what = "a rank that never comes"});
}

int run(const std::vector<std::string>& arguments) {
    MpiSession session;
    const std::unique_ptr<Transport> mpi = make_mpi_transport(session);
    // Short enough that a case which hangs is reported before the test's own time is over.
    mpi->options().deadline = std::chrono::seconds(15);
    const std::string option = arguments.empty() ? "" : arguments[0];
    if (option == "--silence" && arguments.size() == 2) {
        const std::string wrong = fall_silent(session, *mpi, arguments[1]);
        if (!wrong.empty()) {
            std::fprintf(stderr, "%s\n", wrong.c_str());
            session.abort(1);
        }
        session.finish();
        return 0;
    }
    if (arguments.size() == 2) {
        fail_on_last_rank(session, *mpi, option == "--throw", std::stoi(arguments[1]));
    }
    const std::unique_ptr<Transport> wrong =
        option == "--reorder" ? make_reordering(*mpi) : nullptr;
    const int result = run_all(session, wrong ? *wrong : *mpi);
    if (result != 0) {
        session.abort(result); // messages of the failed case may be under way still
    }
    if (session.rank() == 0) {
        std::printf("%zu cases hold on %d ranks\n", conformance_cases().size(), session.size());
    }
    session.finish();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + 1, argv + argc});
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return static_cast<int>(error.code());
    }
}
