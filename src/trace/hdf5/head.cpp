#include "trace/hdf5/head.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "trace/hdf5/attribute.hpp"
#include "trace/hdf5/schema.hpp"
#include "trace/hdf5/table_reader.hpp"

namespace headroom::trace {

namespace {

TraceHead head_of(const h5::File& file) {
    h5::Attributes root = h5::read_attributes(file.get());
    if (!root.numbers.contains(kSchemaVersionAttribute)) {
        throw InputError("is an HDF5 file, but not a trace of ours: no schema_version");
    }
    const ByteBuffer bytes = h5::read_first_rows(
        h5::dataset_named(file, kComplete), h5::number_type(FieldType::i32), 1, kComplete
    );
    return {
        text_of(h5::read_bytes(file, kScenario, {})),
        root.texts["execution"],
        h5::has_dataset(file, Table<OpRow>::name),
        static_cast<Completion>(RowBytes(bytes).take<std::int32_t>()),
    };
}

} // namespace

TraceHead read_trace_head(const std::string& path) {
    h5::prepare_library();
    try {
        return head_of(h5::open_file(path, false));
    } catch (const InputError& error) {
        throw InputError(fmt::format("{}: {}", path, error.what()));
    } catch (const EnvironmentError&) {
        throw InputError(fmt::format("{}: is no trace that was finished", path));
    }
}

} // namespace headroom::trace
