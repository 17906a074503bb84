#include "trace/hdf5/overview.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/hdf5/library/attribute.hpp"
#include "trace/hdf5/library/crash_guard.hpp"
#include "trace/hdf5/library/table_reader.hpp"
#include "trace/hdf5/schema.hpp"

namespace headroom::trace {

namespace {

TraceOverview overview_of(h5::UntrustedFile file) {
    h5::Attributes root = h5::read_attributes(file.file().get());
    if (!root.numbers.contains(kSchemaVersionAttribute)) {
        throw InputError("is an HDF5 file, but not a trace of ours: no schema_version");
    }
    const ByteBuffer bytes = h5::read_numbers(file, kComplete, FieldType::i32, 1);
    return {
        text_of(h5::read_numbers(file, kScenario, FieldType::u8, {})),
        root.texts["execution"],
        root.texts.contains(kPolicyFile) ? root.texts[kPolicyVersion] : "",
        root.texts[kPolicyFile],
        h5::has_dataset(file.file(), Table<OpRow>::name),
        static_cast<Completion>(RowBytes(bytes).take<std::int32_t>()),
    };
}

} // namespace

TraceOverview read_trace_overview(const std::string& path) {
    h5::prepare_library();
    const h5::CrashGuard guard(path);
    try {
        return overview_of(h5::UntrustedFile(path, false));
    } catch (const InputError& error) {
        throw InputError(fmt::format("{}: {}", path, error.what()));
    } catch (const h5::HostLimitError& error) {
        throw EnvironmentError(fmt::format("{}: cannot be read now: {}", path, error.what()));
    } catch (const EnvironmentError&) {
        throw InputError(fmt::format("{}: is no trace that was finished", path));
    }
}

} // namespace headroom::trace
