use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post {
    id: i64,
}

#[pre_save(Post)]
fn not_async(event: PreSave<'_, Post>) -> HandlerResult {
    Ok(())
}

#[pre_save(Post)]
async fn no_argument() -> HandlerResult {
    Ok(())
}

#[post_save(Post)]
async fn two_arguments(event: PostSave<'_, Post>, more: i32) -> HandlerResult {
    Ok(())
}

#[pre_delete(Post, order = 3)]
async fn unknown_option(event: PreDelete<'_, Post>) -> HandlerResult {
    Ok(())
}

#[handler(Post)]
async fn options_of_a_plain_handler(event: PreSave<'_, Post>) -> HandlerResult {
    Ok(())
}

fn main() {}
