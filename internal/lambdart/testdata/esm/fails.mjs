export const handler = async (event) => { throw new SyntaxError('from a module'); };
