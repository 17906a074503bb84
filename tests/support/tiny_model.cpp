#include "support/tiny_model.hpp"

#include <algorithm>
#include <fstream>
#include <unistd.h>

#include <fmt/format.h>

#include "base/check.hpp"

namespace headroom::support {

namespace {

class TemporaryFolder {
  public:
    TemporaryFolder()
        : path_(
              std::filesystem::temp_directory_path() / fmt::format("headroom-test-{}", getpid())
          ) {
        std::filesystem::create_directories(path_);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

} // namespace

model::test::TinyShape tiny_shape_in(std::string_view types) {
    using model::test::StoredType;
    model::test::TinyShape shape = tiny_shape();
    if (types == "olmo2") {
        shape.architecture = "olmo2";
        shape.heads = shape.kv_heads = 8;
        shape.width = 64;
    } else if (types == "mixed" || types == "q4_k_m") {
        shape.type = types == "mixed" ? StoredType::q4_0 : StoredType::q4_k;
        shape.output = StoredType::q6_k;
    } else {
        const auto named = std::find_if(
            model::test::kStoredTypes.begin(),
            model::test::kStoredTypes.end(),
            [&](StoredType type) { return types == model::test::name_of(type); }
        );
        HEADROOM_CHECK(named != model::test::kStoredTypes.end(), "types {}", types);
        shape.type = *named;
    }
    const auto weights = model::test::block_of(shape.output.value_or(shape.type)).weights;
    if (weights == 256) {
        shape.width = 256;
        shape.ffn_width = 256;
    }
    return shape;
}

void write_tiny_model(const std::filesystem::path& path, const model::test::TinyShape& shape) {
    const std::string bytes = model::test::tiny_model(shape).bytes();
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

const std::filesystem::path& tiny_model_file() {
    static const std::filesystem::path path = [] {
        const auto made = temporary_path("tiny.gguf");
        write_tiny_model(made, tiny_shape());
        return made;
    }();
    return path;
}

std::filesystem::path temporary_path(const std::string& name) {
    static const TemporaryFolder folder;
    return folder.path() / name;
}

std::filesystem::path write_temporary(
    const std::string& name, const model::test::GgufWriter& file
) {
    std::filesystem::path path = temporary_path(name);
    const std::string bytes = file.bytes();
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
}

} // namespace headroom::support
