// Traces of version 4, whose /model ends before the columns that version 5 added.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "base/error.hpp"
#include "tests/trace/files.hpp"
#include "tests/trace/sample.hpp"
#include "trace/analysis/compare.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/schema.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::trace {
namespace {

constexpr hid_t kAll = 0; ///< H5S_ALL, which is written with a cast of the old style

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kOldColumns = 13; ///< layers to norms

Trace sample_trace() {
    return sample::trace(3, true);
}

/// The sample as the previous program would have written it.
Trace old_trace() {
    Trace trace = sample_trace();
    const ModelRow& row = trace.header.model.front();
    trace.header.model = {
        {row.layers,
         row.heads,
         row.kv_heads,
         row.width,
         row.ffn_width,
         row.gated,
         row.vocabulary,
         row.context,
         row.embed_type,
         row.lm_head_type,
         row.tied,
         row.ends,
         row.norms}};
    return trace;
}

class OldModels : public ScratchDirectoryTest {
  public:
    OldModels() { sample::record(sample_trace(), *make_hdf5_sink(path(), false)); }

    /// Writes /model anew without the columns for which `drop(index, name)` holds.
    template <class Drop>
    void drop_columns(Drop drop) {
        const hid_t file = open();
        const hid_t whole = H5Dopen2(file, "model", H5P_DEFAULT);
        const hid_t type = H5Dget_type(whole);
        const hid_t part = H5Tcreate(H5T_COMPOUND, H5Tget_size(type));
        for (unsigned i = 0; i < static_cast<unsigned>(H5Tget_nmembers(type)); ++i) {
            char* const name = H5Tget_member_name(type, i);
            const hid_t member = H5Tget_member_type(type, i);
            if (!drop(i, std::string(name))) {
                H5Tinsert(part, name, H5Tget_member_offset(type, i), member);
            }
            H5Tclose(member);
            H5free_memory(name);
        }
        std::vector<char> row(H5Tget_size(type));
        ASSERT_GE(H5Dread(whole, part, kAll, kAll, H5P_DEFAULT, row.data()), 0);
        H5Dclose(whole);
        H5Ldelete(file, "model", H5P_DEFAULT);
        const hsize_t size = 1;
        const hid_t space = H5Screate_simple(1, &size, nullptr);
        const hid_t model =
            H5Dcreate2(file, "model", part, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        ASSERT_GE(H5Dwrite(model, part, kAll, kAll, H5P_DEFAULT, row.data()), 0);
        H5Dclose(model);
        H5Sclose(space);
        H5Tclose(part);
        H5Tclose(type);
        H5Fclose(file);
    }

    void set_version(std::int64_t version) {
        const hid_t file = open();
        const hid_t attribute = H5Aopen(file, kSchemaVersionAttribute, H5P_DEFAULT);
        ASSERT_GE(H5Awrite(attribute, H5T_NATIVE_INT64, &version), 0);
        H5Aclose(attribute);
        H5Fclose(file);
    }

    std::string refusal() {
        return error_of<InputError>([&] { (void)open_trace(path()); });
    }

  private:
    hid_t open() {
        const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
        H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
        const hid_t file = H5Fopen(path().c_str(), H5F_ACC_RDWR, access);
        H5Pclose(access);
        return file;
    }
};

bool is_new(unsigned column, const std::string& /*name*/) {
    return column >= kOldColumns;
}

TEST_F(OldModels, read_their_new_columns_as_zeros) {
    drop_columns(is_new);
    set_version(4);
    const TraceFile file = open_trace(path());
    Trace expected = old_trace();
    expected.header.codes = file.trace.header.codes; // the test has not copied them
    EXPECT_THAT(differences(file.trace, expected), IsEmpty());
    EXPECT_FALSE(differences(file.trace, sample_trace()).empty()); // the new columns count
}

TEST_F(OldModels, are_damaged_without_an_old_column) {
    drop_columns([](unsigned column, const std::string& name) {
        return is_new(column, name) || name == "norms";
    });
    set_version(4);
    EXPECT_THAT(refusal(), HasSubstr("damaged: /model has no column norms"));
}

TEST_F(OldModels, are_damaged_if_they_say_to_be_new) {
    drop_columns(is_new);
    EXPECT_THAT(refusal(), HasSubstr("damaged: /model has no column head_width"));
}

TEST_F(OldModels, of_version_5_need_every_column) {
    drop_columns([](unsigned /*column*/, const std::string& name) { return name == "window"; });
    EXPECT_THAT(refusal(), HasSubstr("damaged: /model has no column window"));
}

} // namespace
} // namespace headroom::trace
